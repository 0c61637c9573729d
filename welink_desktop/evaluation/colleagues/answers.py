"""Who answers what: a pure function of the message and of who is there."""

from collections.abc import Sequence
from dataclasses import dataclass

from welink_desktop.evaluation.sample import Sample, SampleReply


@dataclass(frozen=True, slots=True)
class Answer:
    """`by` is a person's key; `reaction` is put under the question first ("" = none)."""

    by: str
    text: str
    reaction: str


def choose(question: str, present: Sequence[str], sample: Sample) -> Answer | None:
    """The answer to `question` from one of `present` (keys, in the room's order); None if nobody is there.

    The first rule whose words all occur decides. A person who is named in the question answers; else the rule's first
    choice who is present; else the first one present.
    """
    if not present:
        return None
    rule = next((rule for rule in sample.replies if _matches(rule, question)), None)
    if rule is None:
        return None
    return Answer(_speaker(rule, question, present, sample), rule.text, rule.reaction)


def _matches(rule: SampleReply, question: str) -> bool:
    folded = question.casefold()
    return all(word.casefold() in folded for word in rule.when)


def _speaker(rule: SampleReply, question: str, present: Sequence[str], sample: Sample) -> str:
    for key in present:
        person = sample.people[key]
        names = (person.name, person.other_name, *person.other_name.split(), *person.name.split())
        if any(name and name in question for name in names):
            return key
    return next((key for key in rule.by if key in present), present[0])
