"""What a visitor does with the app, step by step, addressed by role and name as a person would."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_STEPS = 40
LONGEST_TEXT = 5_000
Action = Literal["open", "click", "fill", "select", "press", "upload", "wait_for", "look"]
NEEDS: dict[str, tuple[str, ...]] = {
    "click": ("name",),
    "fill": ("name",),
    "select": ("name", "text"),
    "press": ("text",),
    "upload": ("file",),
}


class Step(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    do: Action = Field(
        description="open a path; click, fill, select or upload to what role and name say; press a key; "
        "wait_for a text, or for what role and name say; look at the page."
    )
    visitor: str = Field(
        default="visitor 1",
        alias="as",
        pattern=r"^visitor [1-4]$",
        description="Who does it: visitor 1 to visitor 4, each with cookies of their own.",
    )
    path: str = Field(
        default="", max_length=2000, description="open: the page's path, e.g. /orders?day=today"
    )
    role: str = Field(
        default="",
        pattern=r"^[a-z]{0,30}$",
        description="An ARIA role: button, link, textbox, combobox, checkbox, radio, heading, row, ...",
    )
    name: str = Field(
        default="", max_length=500, description="Its accessible name: the label or text that a person reads."
    )
    number: int = Field(default=0, ge=0, le=500, description="Which one, from 1, where several are alike.")
    text: str = Field(
        default="",
        max_length=LONGEST_TEXT,
        description="fill: what to type; select: the option; press: the key, e.g. Enter; wait_for: text on "
        "the page. {unique} becomes a short text that differs with every run.",
    )
    file: str = Field(default="", max_length=1000, description="upload: a file of the workspace.")
    gone: bool = Field(default=False, description="wait_for: until it is not on the page (any more).")
    picture: bool = Field(default=False, description="look: with a picture.")

    @model_validator(mode="after")
    def _says_what_it_needs(self) -> Self:
        for field in NEEDS.get(self.do, ()):
            if not getattr(self, field):
                raise ValueError(f"{self.do} needs {field}")
        if self.do == "wait_for" and not (self.text or self.name or self.role):
            raise ValueError("wait_for needs text, or role and name")
        return self

    def said(self) -> str:
        """The step in words: `fill textbox “Your name”`."""
        what = f"{self.role or ''} “{self.name}”".strip() if self.name else self.role
        text = f"“{self.text[:60]}”" if self.text and self.do in ("press", "wait_for", "select") else ""
        gone = "until it is gone" if self.gone else ""
        parts = (self.do.replace("_", " "), self.path or ("/" if self.do == "open" else ""), text, what, gone)
        who = f"{self.visitor}: " if self.visitor != "visitor 1" else ""
        return who + " ".join(part for part in parts if part)


class Journey(BaseModel):
    """A way through the app that can be walked again without a model: `cofounder/journeys/NAME.json`."""

    model_config = ConfigDict(extra="forbid")

    steps: list[Step] = Field(min_length=1, max_length=MOST_STEPS)

    @model_validator(mode="after")
    def _expects_something(self) -> Self:
        if not any(step.do == "wait_for" for step in self.steps):
            raise ValueError("a journey needs a wait_for step: one that expects nothing proves nothing")
        return self

    def as_json(self) -> str:
        return self.model_dump_json(by_alias=True, exclude_defaults=True, indent=1) + "\n"
