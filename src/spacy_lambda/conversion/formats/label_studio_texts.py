"""The key of a Label Studio export under which its tasks have their texts, and the objects of other texts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spacy_lambda.conversion.formats.json_items import JsonItem
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.errors import CorpusError

__all__ = ["LabelStudioTexts", "Task", "texts_of_tasks"]

USUAL = "text"
URL = re.compile(r"\w+://\S+")


@dataclass(frozen=True)
class Task:
    """A task, or an annotation of one in JSON-MIN.

    :param item: Its place in the file.
    :param data: Its data.
    :param results: All results of its annotations.
    """

    item: JsonItem
    data: Mapping[str, Any]
    results: Sequence[Any]

    @property
    def strings(self) -> dict[str, str]:
        """The strings of its data."""
        return {key: value for key, value in self.data.items() if isinstance(value, str)}


@dataclass(frozen=True)
class LabelStudioTexts:
    """The texts of an export.

    :param key: Their key, the same in all tasks.
    :param others: Names of the objects (``to_name``) whose spans are in other texts.
    """

    key: str
    others: frozenset[str]


def texts_of_tasks(tasks: Sequence[Task], reading: ReadingContext) -> LabelStudioTexts:
    """Return the key with whose texts the spans agree, and the objects whose spans do not.

    :raises CorpusError: If several keys fit, or none fits all tasks, unless the user names one.
    """
    reading.texts.update(dict.fromkeys(key for task in tasks for key in task.strings))
    votes = _votes(tasks, reading, _is_at) or _votes(tasks, reading, _is_in) or _votes(tasks, reading, _is_named)
    fits = {name: frozenset.intersection(*found) for name, found in votes.items()}
    key = reading.options.text_from or _chosen_key(fits, tasks)
    having = [task for task in tasks if key in task.strings]
    if key != USUAL and having:
        place = f"{having[0].item.file.name}:{having[0].item.line}"
        reading.account.note(f"tasks with the text from {key!r}", place, number=len(having))
    return LabelStudioTexts(key, frozenset(name for name, keys in fits.items() if keys and key not in keys))


def _votes(
    tasks: Sequence[Task], reading: ReadingContext, agrees: Callable[[str, Mapping[str, Any], str], bool]
) -> dict[str, list[frozenset[str]]]:
    """Return, for each object, the keys whose text agrees with a span, one set for each span that has some."""
    found: dict[str, list[frozenset[str]]] = defaultdict(list)
    for task in tasks:
        for key_of_object, value in _spans(task, reading.options.spans_from):
            agreeing = (key for key, text in task.strings.items() if agrees(text, value, _named(key, key_of_object)))
            if keys := frozenset(agreeing):
                found[key_of_object].append(keys)
    return found


def _named(key: str, name: str) -> str:
    return name if key == name else ""


def _spans(task: Task, wanted: str | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the object and the value of each result that may be a span."""
    for result in task.results:
        value = result.get("value") if isinstance(result, dict) else None
        if isinstance(value, dict) and wanted in (None, result.get("from_name")):
            place = value.get("globalOffsets")
            yield str(result.get("to_name") or ""), {**value, **place} if isinstance(place, dict) else value


def _is_at(text: str, value: Mapping[str, Any], _: str) -> bool:
    """Return whether a span's text is at its offset, in characters or UTF-16 units."""
    start = value.get("start")
    if not isinstance(start, int) or start < 0:
        return False
    surplus = 0 if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2 - len(text)
    return any(text.find(one, max(start - surplus, 0), start + len(one)) >= 0 for one in _covered(value))


def _is_in(text: str, value: Mapping[str, Any], _: str) -> bool:
    return any(one in text for one in _covered(value))


def _is_named(_: str, value: Mapping[str, Any], name: str) -> bool:
    """Return whether the object has the name of the key; its spans may have no texts."""
    return bool(name) and "start" in value


def _covered(value: Mapping[str, Any]) -> set[str]:
    covered = value.get("text")
    return {covered, covered.replace("\\n", "\n")} if isinstance(covered, str) and covered else set()


def _chosen_key(fits: Mapping[str, frozenset[str]], tasks: Sequence[Task]) -> str:
    """Return the one key that fits; of several, the usual one.

    :raises CorpusError: If there is no such key.
    """
    keys = dict.fromkeys(key for task in tasks for key in task.strings)
    for name, found in fits.items():
        if not found:
            raise _unclear(
                tasks, f"the spans{f' of {name!r}' if name else ''} are in the texts of different keys", keys
            )
    has_spans = bool(fits)
    if not has_spans:
        values = {key: [task.strings[key] for task in tasks if key in task.strings] for key in keys}
        keys = {key: None for key in keys if not all(map(URL.fullmatch, values[key]))}
        fits = {"": frozenset(keys)}
    if any(USUAL in found for found in fits.values()) or not keys:
        return USUAL
    common = frozenset.intersection(*fits.values())
    if len(common) == 1:
        return next(iter(common))
    if common:
        raise _unclear(
            tasks, "the spans fit the texts of several keys" if has_spans else "the tasks have several texts", common
        )
    every = frozenset.union(*fits.values())
    raise _unclear(tasks, "the objects have the texts of several keys", every)


def _unclear(tasks: Sequence[Task], problem: str, keys: Mapping[str, None] | frozenset[str]) -> CorpusError:
    names = sorted(keys)
    return CorpusError(
        f"{tasks[0].item.file.name}: {problem}: {', '.join(names)[:200]}",
        remedy=f"name the key of the text, as in --text-from {names[0]}",
    )
