"""Which sentences this app can make true. Fixed rules: nobody thinks about what a sentence means.

A sentence is understood as a whole or not at all. Whatever is not understood is not built, and the app says so.

python3 rules.py                  brief.json and said/*.txt become plan.json and cofounder.json
python3 rules.py last             the same, and tells of the last message only
python3 rules.py order by_name    the same, after noting the order of the lists (newest_first or by_name)

Prints a line that begins with "* " for each sentence the founder wrote: done, or not possible.
"""

import json
import re
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
MOST_CHECKS = 90
MOST_FIELDS = 12
LONGEST_SENTENCE = 300
ORDERS = ("newest_first", "by_name")
COLOURS = {"blue": "blue", "green": "green", "red": "red", "purple": "purple", "violet": "purple", "orange": "orange"}

# What a line of text can hold. "photo" is missing on purpose: that would take more than a line of text.
HOLDS_TEXT = frozenset(
    "address age amount author band borrower brand breed category city class colour color comment comments company"
    " composer contact country course date day delivery_day description director duration email e-mail event fault"
    " folder genre grade group guest hobby hour house instrument item key kind language length level link lender"
    " location maker member month name names neighbour note notes number occasion organiser owner part person phone"
    " pitch place postcode price publisher quantity reason remark remarks repertoire role room row season seat section"
    " shelf shop singer size slot song source species speaker street subject surname table teacher team telephone text"
    " time title tool topic town type url variety venue voice volume website week weight work year".split()
)
# Words before a field by which it would be more than a line of text.
NOT_TYPED = frozenset(
    "all any average automatic current different each every for free lowest of highest hidden maximum minimum next only"
    " open own private remaining secret some the total unique with without".split()
)
HEADINGS = frozenset("name title item song tool key subject event brand surname".split())
# A list of these would promise more than lines of text.
NOT_A_RECORD = frozenset(
    "account accounts alert alerts attachment attachments chart charts calendar chat document documents file files"
    " image images login logins map maps message messages notification notifications payment payments photo photos"
    " picture pictures reminder reminders result results statistic statistics user users video videos"
    " what who which that whether how when where late overdue today tomorrow available free open done missing".split()
)
ANY = frozenset("list table page app it them one entry entries item items thing things something each everything all".split())
SENDS_OR_PAYS = frozenset("contact payment login sign-in upload search checkout newsletter".split())
MORE_THAN_A_WORD = frozenset("automatically when if by after before until once for to today with without not only".split())
IRREGULAR = {"people": "person", "children": "child", "men": "man", "women": "woman", "loaves": "loaf", "shelves": "shelf",
             "knives": "knife", "lives": "life", "wolves": "wolf"}  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """What one sentence asks for; `noun` is "" where it means whatever list there is."""

    kind: str
    noun: str = ""
    words: tuple[str, ...] = ()


@dataclass
class List:
    """One list of the app: what it holds, and how its entries can be told apart."""

    one: str
    fields: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)

    def add(self, name, words):
        kept = getattr(self, name)
        kept += [word for word in words if word not in kept]


# From a sentence to wishes

NOUN = r"(?:(?:all|the|all the|all our|our|every|each|a|an|any) )?(?P<noun>[a-z][a-z-]{1,29})"
ANOTHER = r"(?:(?:all|the|our|every|each|a|an|new|a new|another) )?(?P<noun>[a-z][a-z-]{1,29})"
LISTED = r"(?:(?:a|an|the|our|one|simple|plain|short|public) )*(?:list|table|register|directory|catalogue|overview|page)"
OF = r"(?: of| with| showing| that shows| which shows)"
PLAINLY = r"(?:(?:show|shows|see|display|a page with|a page that shows|a public page with|a page showing) )?"

RULES = [
    ("fields", rf"{LISTED}{OF} {NOUN} (?:with|and|showing|including) (?P<words>.+)"),
    ("fields", rf"(?:(?:a|an|the|one|simple|short|public) )*(?:(?P<noun>[a-z][a-z-]+) )?form (?:with|for|asking for|that asks for) (?P<words>.+)"),
    ("fields", rf"{NOUN} (?:has|have|with) (?P<words>.+)"),
    ("fields", rf"(?:add|enter|record|keep|save|note down|write down) {ANOTHER} with (?P<words>.+)"),
    ("fields", r"(?:a |the )?fields? (?:for )?(?P<words>.+?)(?: (?:to|for|of) (?:the |our |each |every |a )?(?P<noun>[a-z][a-z-]{1,29}))?"),
    ("fields", rf"{LISTED} (?:with|showing) (?P<words>.+)"),
    ("list", rf"{LISTED}(?: of| showing| that shows| which shows) {NOUN}"),
    ("list", r"(?:see|show|list) (?:all|all the|all our|every) (?P<noun>[a-z][a-z-]{1,29})"),
    ("add", rf"(?:add|enter|record|save|note down|write down) {ANOTHER}"),
    ("add", rf"(?:a |the )?form (?:to add|for adding|to enter|for entering) {ANOTHER}"),
    ("remove", rf"(?:remove|delete) {NOUN}"),
    ("remove", rf"(?:add|enter) and (?:remove|delete) {NOUN}"),
    ("filter", r"(?:a )?filter (?:the |our )?(?:list|table)?(?:of (?P<noun>[a-z][a-z-]{1,29}) )? ?by (?P<words>.+)"),
    ("filter", rf"(?:a )?filter (?:for )?{NOUN} by (?P<words>.+)"),
    ("filter", rf"{NOUN} can be filtered by (?P<words>.+)"),
    ("states", rf"(?:mark|set) {NOUN} (?:as|to) (?P<words>.+)"),
    ("states", rf"{NOUN} can be (?:marked|set) (?:as|to) (?P<words>.+)"),
    ("tick", rf"(?:tick|check|cross) off {NOUN}"),
    ("tick", rf"{NOUN} can be (?:ticked|checked|crossed) off"),
    ("count", rf"{PLAINLY}(?:a |the )?(?:count|number|total|total number) of {NOUN}"),
    ("count", rf"{PLAINLY}how many (?P<noun>[a-z][a-z-]+)(?: there are| are there| we have| are on the list)?"),
    ("count in", rf"{PLAINLY}how many (?P<noun>[a-z][a-z-]+) are (?P<words>[a-z -]+)"),
    ("title", r"(?:call (?:it|the app|the page)|name it|rename (?:it|the app|the page) to|change the (?:name|title|heading) to) (?P<title>\S.{0,79})"),
    ("colour", r"(?:make|paint|colour) (?:it|everything|the app|the page|the buttons|the colour|the color)(?: in)? (?P<colour>[a-z]+)"),
    ("colour", r"change the colou?r (?:of the (?:app|page|buttons) )?to (?P<colour>[a-z]+)"),
]  # fmt: skip
RULES = [(kind, re.compile(rule, re.IGNORECASE)) for kind, rule in RULES]
POLITE = re.compile(
    r"(?:please|also|and|now|thank you|can you|could you|can we|let us|let me|i want|we want|i need|we need|i would like"
    r"|we would like|to|there (?:is|are|should be)|give (?:me|us)|it needs|add(?= (?:a |an |the )?(?:filter|count|number|field|list))"
    r"|(?:i|we|you|everybody|everyone|anybody|anyone|visitors|people) can|build(?= an? )|make(?= an? )|have(?= an? )),? ",
    re.IGNORECASE,
)


def understood(sentence):
    """The wishes of a sentence; none when it is not understood from its first to its last word."""
    words = " ".join(sentence.split()).rstrip(".!?; ")
    while polite := POLITE.match(words):
        words = words[polite.end() :]
    if len(words) > LONGEST_SENTENCE:
        return []
    for kind, rule in RULES:
        if (match := rule.fullmatch(words)) and (wishes := wishes_of(kind, match.groupdict())):
            return wishes
    return []


def wishes_of(kind, found):
    if kind == "title":
        return [Wish("title", words=(found["title"].strip(" \"'“”„«»"),))]
    if kind == "colour":
        colour = COLOURS.get(found["colour"].lower())
        return [Wish("colour", words=(colour,))] if colour else []
    noun = (found.get("noun") or "").lower()
    if noun in NOT_A_RECORD or (kind == "fields" and noun in SENDS_OR_PAYS):
        return []
    noun = "" if noun in ANY else one_of(noun)
    if kind == "tick":
        return [Wish("states", noun, ("open", "done"))]
    words = WORDS[kind](found["words"].lower()) if found.get("words") else ()
    if found.get("words") and not words:
        return []
    return [Wish(kind, noun, words)]


def parts(words):
    return [part.strip() for part in re.split(r",(?: and | or )?| and | or |&|/", words) if part.strip()]


def fields_in(words):
    """The names of fields; none if one of them may be more than a line of text."""
    if " or " in words or "/" in words:
        return ()
    named = [re.sub(r"^(?:an? |the |its |their |his |her |your |my )", "", part) for part in parts(words)]
    named = [" ".join([*name.split()[:-1], one_of(name.split()[-1])]) for name in named if name]
    fit = all(is_text(name.split()) for name in named)
    return tuple(named) if named and fit and len(named) <= MOST_FIELDS else ()


def is_text(words):
    *before, last = words
    plain = all(re.fullmatch(r"[a-z][a-z-]{2,}(?<!ed)(?<!ly)(?<!ing)(?<!able)", word) for word in before)
    return last in HOLDS_TEXT and len(before) <= 2 and plain and not NOT_TYPED & set(before)


def states_in(words):
    named = [re.sub(r"^(?:an? |the )", "", part) for part in parts(words)]
    fit = all(is_state(name) for name in named)
    return tuple(named) if named and fit and len(named) <= 6 else ()


def is_state(name):
    """One or two plain words; what hangs on them ("late when…", "automatically") is more than a word."""
    words = name.split()
    first_may_be_not = words[1:] if words[:1] == ["not"] else words
    plain = all(re.fullmatch(r"[a-z][a-z-]*", word) for word in words)
    return plain and len(words) <= 2 and not MORE_THAN_A_WORD & set(first_may_be_not) and words[-1] not in ("not",)


WORDS = {"fields": fields_in, "filter": fields_in, "states": states_in, "count in": states_in}


def one_of(noun):
    """The singular, by spelling."""
    if noun in IRREGULAR:
        return IRREGULAR[noun]
    for ending, singular in (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x")):
        if noun.endswith(ending) and len(noun) > len(ending) + 1:
            return noun.removesuffix(ending) + singular
    return noun[:-1] if noun.endswith("s") and not noun.endswith(("ss", "us", "is")) else noun


def many_of(noun):
    for plural, singular in IRREGULAR.items():
        if noun == singular:
            return plural
    if re.search(r"[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "sh", "ch", "x")) else "s")


# From wishes to a plan of the app


def plan_of(brief, messages, order):
    """The whole app as data: its lists, each promise with its checks, and what came of each message."""
    promises = [(text, understood(text)) for text in brief["promises"]]
    said = [[(sentence, understood(sentence)) for sentence in sentences_of(text)] for text in messages]
    everything = [wish for _, wishes in [*promises, *(pair for each in said for pair in each)] for wish in wishes]
    lists = lists_for(everything)
    last = {wish.kind: wish.words for wish in everything if wish.kind in ("title", "colour")}
    return {
        "title": last.get("title", [brief["project"]])[0],
        "goal": brief["goal"],
        "colour": last.get("colour", [""])[0],
        "order": order,
        "lists": [{**vars(each), "many": many_of(each.one), "heading": heading_of(each)} for each in lists.values()],
        "promises": [outcome(text, wishes, lists, last) for text, wishes in promises],
        "said": [
            {"text": text, "parts": [outcome(*pair, lists, last) for pair in pairs]}
            for text, pairs in zip(messages, said, strict=True)
        ],
    }


def sentences_of(text):
    found = [each.strip() for each in re.split(r"(?<=[.!?;])\s+|\n+", text) if re.search(r"\w", each)]
    return found or [text]


def lists_for(wishes):
    """The lists that are asked for, in the order in which they are named; one for notes where none is."""
    lists = {}
    for wish in wishes:
        if wish.noun:
            lists.setdefault(wish.noun, List(wish.noun))
    if not lists:
        lists["entry"] = List("entry")
    for kind in ("fields", "states", "filter"):
        for wish in (each for each in wishes if each.kind == kind):
            fill(list_of(wish, lists), kind, wish.words)
    for each in lists.values():
        if not any(name.split()[-1] in HEADINGS for name in each.fields):
            each.fields.insert(0, "name")
    return lists


def heading_of(chosen):
    """The field by which an entry is called."""
    return next(name for name in chosen.fields if name.split()[-1] in HEADINGS)


def fill(chosen, kind, words):
    if kind == "states":
        chosen.add("states", words if "open" in words or len(chosen.states) else ("open", *words))
    else:
        chosen.add("fields", words)
        chosen.add("filters", words if kind == "filter" else ())


def list_of(wish, lists):
    """The list a wish is about; without a name it is the one that has these words already, else the first."""
    if wish.noun:
        return lists[wish.noun]
    knowing = [each for each in lists.values() if set(wish.words) <= {*each.fields, *each.states}]
    return (knowing if wish.words and knowing else list(lists.values()))[0]


def outcome(text, wishes, lists, last):
    """Whether a sentence is done, was replaced by later words, or cannot be done; with the commands that prove it."""
    if any(last.get(wish.kind, wish.words) != wish.words for wish in wishes):
        return {"text": text, "is": "replaced", "checks": []}
    known = all(wish.kind != "count in" or set(wish.words) <= set(list_of(wish, lists).states) for wish in wishes)
    runs = [check_for(wish, lists) for wish in wishes] if known else []
    return {"text": text, "is": "done" if runs else "not possible", "checks": runs}


def check_for(wish, lists):
    about = [] if wish.kind in ("title", "colour") else [list_of(wish, lists).one]
    return shlex.join(["python3", "checks/promise.py", wish.kind.replace(" ", "-"), *about, *wish.words])


# Files


def declaration(plan):
    """cofounder.json: a check for whatever is understood, none for the rest."""
    proofs = [(each["text"], each["checks"]) for each in plan["promises"]]
    for message in plan["said"]:
        if all(part["is"] == "done" for part in message["parts"]):
            proofs.append((message["text"], [run for part in message["parts"] for run in part["checks"]]))
        else:
            proofs += [(part["text"], part["checks"]) for part in message["parts"]]
    declared = [{"promise": text, "run": run} for text, runs in proofs for run in runs]
    return {"start": "python3 app.py", "port": 8000, "checks": declared[:MOST_CHECKS]}


def messages():
    """What the founder wrote, oldest first; each file holds a note as it came, or the words alone."""
    paths = sorted((HERE / "said").glob("*.txt"), key=lambda path: int(path.stem))
    return [words_in(path.read_text(encoding="utf-8")) for path in paths]


def words_in(note):
    """A note is a line of introduction and then the words as JSON."""
    try:
        return str(json.loads(note.partition("\n")[2] or note))
    except ValueError:
        return note.strip()


OUTCOMES = {
    "done": "Done",
    "replaced": "Replaced by what you wrote later",
    "not possible": "A rehearsal script cannot do this, so nothing changes for",
}


def report(message):
    """A line for each sentence of a message."""
    return [f"* {OUTCOMES[part['is']]}: “{shortened(part['text'], 120).rstrip('.')}”" for part in message["parts"]]


def shortened(words, longest):
    words = " ".join(words.split())
    return words if len(words) <= longest else words[: longest - 1] + "…"


def main(arguments):
    order_file = HERE / "order.txt"
    if arguments[:1] == ["order"] and arguments[1] in ORDERS:
        order_file.write_text(arguments[1])
    order = order_file.read_text() if order_file.exists() else ORDERS[0]
    brief = json.loads((HERE / "brief.json").read_text(encoding="utf-8"))
    plan = plan_of(brief, messages(), order)
    for name, content in (("plan.json", plan), ("cofounder.json", declaration(plan))):
        (HERE / name).write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    for message in plan["said"][-1:] if arguments == ["last"] else plan["said"]:
        print(*report(message), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
