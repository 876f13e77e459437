"""What the rehearsal model does when the play does not say: unexpected errors, notes without a handler."""

from collections.abc import Mapping

from rehearsal.play import Call, Line, NoteMatch, Step

LOOK = "pwd; ls -la; git status --short 2>/dev/null | head -20"
COMMIT = "git add -A && git commit -q -m 'Work in progress' || true"

LEAVE_OUT = "leave_out"
"""The decision by which the founder drops what the model failed at."""

CANNOT = (
    "I have received your message. I am a rehearsal script that knows only its own story, so I cannot act "
    "on it: nothing in the app changes."
)

INSPECT = Line(
    (
        Step(
            id="look",
            think="That did not go as I expected. Before I try again I look at what is really there.",
            calls=(
                Call("narrate", {"message": "Something did not work as expected. I am looking into it."}),
                Call("bash", {"command": LOOK}),
            ),
        ),
    )
)

ASK = Line(
    (
        Step(
            id="ask",
            think="Three tries, and it still fails. This is a decision for the founder.",
            calls=(
                Call(
                    "ask_founder",
                    {
                        "problem": "I tried one step three times and it still fails: {{ note.text }}",
                        "recommended_action": "Let me try once more; what is in the way may be gone by now.",
                        "options": [
                            {
                                "value": "try_again",
                                "label": "Try again",
                                "description": "I go at the same step once more.",
                            },
                            {
                                "value": LEAVE_OUT,
                                "label": "Leave it out",
                                "description": "I go on without this step.",
                            },
                        ],
                    },
                ),
            ),
        ),
        Step(
            id="wait",
            think="Nothing else can be done before the founder has answered.",
            say="I wait for your answer.",
            end=True,
            until=NoteMatch("answer"),
        ),
    )
)

CLOSING = Line(
    (
        Step(
            id="end",
            think="Everything I planned is done.",
            say="There is nothing left for me to do.",
            end=True,
        ),
    )
)

CHANGE = Line(
    (
        Step(
            id="say-so",
            think="They want a change. This play has no scene for that: I leave everything as it is.",
            say="I am a rehearsal script and cannot make this change. The app is as it was before.",
            end=True,
        ),
    )
)

NOTES: Mapping[str, Line] = {
    "message": Line(
        (
            Step(
                id="acknowledge",
                think="The founder wrote to me. This play has no scene for that: I say so and go on.",
                calls=(Call("narrate", {"message": CANNOT}),),
            ),
        )
    ),
    "answer": Line(
        (
            Step(
                id="acknowledge",
                think="The founder has decided. I go on with that.",
                calls=(
                    Call(
                        "narrate",
                        {"message": "Thank you. You decided: {{ note.data.decision | default('go on') }}."},
                    ),
                ),
            ),
        )
    ),
    "wind_down": Line(
        (
            Step(
                id="commit",
                think="The day's budget is nearly spent. I commit what there is and end my turn.",
                calls=(Call("bash", {"command": COMMIT}),),
            ),
            Step(
                id="rest",
                think="Everything is in place for tomorrow.",
                say="That is all for today. I have put everything in order and go on tomorrow.",
                end=True,
            ),
        )
    ),
    "checks_failed": Line(
        (
            Step(
                id="look",
                think="A check failed: {{ note.text | truncate(400) }}",
                calls=(
                    Call("narrate", {"message": "A check failed. I am looking at what it said."}),
                    Call("bash", {"command": f"cat cofounder.json; {LOOK}"}),
                ),
            ),
            Step(
                id="end",
                think="I see nothing that I can change about it.",
                say="I have looked at the failed check and leave the app as it is.",
                end=True,
            ),
        )
    ),
}
