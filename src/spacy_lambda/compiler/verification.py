"""Original and compiled pipelines on the same texts, compared component by component.

Both run one component after the other. The annotations of a component are those that it changes on the Docs of either,
under any factory name, and those that it declares to assign, even where it assigns nothing. So each component is
compared, or is listed as not compared.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.compiler.agreement import HiddenTally, Tally, original_rows
from spacy_lambda.compiler.annotations import annotated, annotations_of, declared, opaque
from spacy_lambda.compiler.custom_code import find_code, import_custom_code
from spacy_lambda.compiler.determinism import Annotations, Places, RepeatedRun, is_same, leave_out, unsteady_places
from spacy_lambda.compiler.emulated_host import EmulatedHost
from spacy_lambda.compiler.hosts import compare_hosts
from spacy_lambda.compiler.loaded_pipeline import unregistered
from spacy_lambda.compiler.precisions import rules_in
from spacy_lambda.compiler.provenance import check_provenance
from spacy_lambda.compiler.report import NotCompared, PipelineTime, TextFailure, VerificationReport
from spacy_lambda.compiler.stepwise import ComponentRunner, FailedDoc
from spacy_lambda.compiler.texts import read_docs
from spacy_lambda.core.files import StrPath
from spacy_lambda.core.pipelines import find_pipeline
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.errors import PipelineLoadError, VerifyError
from spacy_lambda.extras import install_command
from spacy_lambda.pipeline.config_file import read_config
from spacy_lambda.runtime.code import import_code
from spacy_lambda.runtime.loading import load
from spacy_lambda.runtime.transformer import CompiledTransformer

__all__ = ["MeasuredComparison", "compare", "compare_all", "verify"]

BATCH = 16
TOKENIZER = "tokenizer"
"""The name of the first step, before all components."""

Pair = tuple[Annotations, Annotations]
"""What the original and the compiled pipeline have annotated in a text."""

RunAgain = Callable[[str], Sequence[Mapping[str, Annotations]]]


def verify(
    original: StrPath,
    compiled: StrPath,
    texts: StrPath,
    *,
    code: Sequence[StrPath] = (),
    hosts: bool = False,
    arm64: EmulatedHost | None = None,
    on_step: OnStep = no_progress,
) -> VerificationReport:
    """Compare an original pipeline with its compiled one.

    :param original: Folder or package name of the original.
    :param compiled: Folder or package name of the compiled pipeline.
    :param texts: See :func:`.texts.read_docs`.
    :param code: Modules that the original needs and the compiled pipeline does not contain.
    :param hosts: Compare the compiled pipeline with itself on other hosts too (:mod:`.hosts`).
    :param arm64: One of them, if there is a Python for it (:func:`.emulated_host.make_neoverse_n1`).
    :param on_step: Receives progress.
    :raises VerifyError: If there are no texts, or the pipelines are the wrong way round or of other components.
    :raises PipelineNotFoundError: If one of them is not a pipeline.
    :raises CompileError: If the code cannot be imported.
    """
    first, second = find_pipeline(original), find_pipeline(compiled)
    note = check_provenance(first, second, names=(str(original), str(compiled)))
    if code:
        import_custom_code(find_code(first, [Path(one) for one in code]))
    # The compiled pipeline contains the code that the original needs too.
    import_code(second)
    nlp = _load(first, str(original))
    docs = read_docs(Path(texts), nlp)
    report = compare(nlp, second, docs, on_step=on_step)
    others = compare_hosts(second, [doc.text for doc in docs], arm64=arm64, on_step=on_step) if hosts else ()
    return replace(report, notes=(note,) if note else (), hosts=tuple(others))


def compare(
    original: Language, compiled: Path, docs: Sequence[Doc], *, on_step: OnStep = no_progress
) -> VerificationReport:
    """Run both pipelines on texts and compare their annotations.

    :param original: The original, loaded.
    :param compiled: The compiled pipeline's folder.
    :param docs: The texts, with annotations where there are some.
    :param on_step: Receives progress.
    """
    (found,) = compare_all(original, [compiled], docs, on_step=on_step)
    return found.report


@dataclass(frozen=True)
class MeasuredComparison:
    """The comparison of one compiled pipeline, with the times of each batch.

    :param report: The comparison.
    :param original_seconds: The original's time for each batch.
    :param seconds: The compiled pipeline's, right after it.
    """

    report: VerificationReport
    original_seconds: tuple[float, ...]
    seconds: tuple[float, ...]


def compare_all(
    original: Language,
    compiled: Sequence[Path],
    docs: Sequence[Doc],
    *,
    batch: int = BATCH,
    on_step: OnStep = no_progress,
) -> list[MeasuredComparison]:
    """Compare several compiled pipelines with an original, which runs once for all of them, batch by batch.

    :param batch: Texts that run together.
    """
    others = [_load_compiled(original, path) for path in compiled]
    run = _OriginalRun(original, {name for other in others for name in _transformers(other)})
    comparisons = [_Comparison(run, other) for other in others]
    run.warm_up(docs[:batch])
    for one in comparisons:
        one.warm_up(docs[:batch])
    for number, begin in enumerate(range(0, len(docs), batch)):
        golds = docs[begin : begin + batch]
        run.start([gold.text for gold in golds])
        # Each one is next to the original in its turn, so that none is always measured first or last.
        turn = number % len(comparisons)
        for comparison in (*comparisons[turn:], *comparisons[:turn]):
            comparison.add(begin, golds)
        on_step("comparing", min(begin + batch, len(docs)), len(docs))
    return [MeasuredComparison(one.report(), tuple(run.batch_seconds), tuple(one.batch_seconds)) for one in comparisons]


def _transformers(nlp: Language) -> list[str]:
    return [name for name, component in nlp.pipeline if isinstance(component, CompiledTransformer)]


def _load_compiled(original: Language, path: Path) -> Language:
    other = _load(path, str(path))
    if other.pipe_names != original.pipe_names:
        raise VerifyError(
            f"the pipelines have different components: {original.pipe_names} and {other.pipe_names}",
            remedy="compare a pipeline with the one compiled from it",
        )
    return other


def _load(path: Path, name: str) -> Language:
    try:
        return load(path)
    except PipelineLoadError as exc:
        unknown = unregistered(read_config(path))
        if unknown:
            raise VerifyError(
                f"{name} uses functions that are not registered: {', '.join(unknown)}",
                remedy="give the file that registers it with --code FILE, as to compile, or install its package",
            ) from exc
        absent = isinstance(exc.__cause__, OSError)
        raise VerifyError(
            f"{name} cannot be compared: {exc.message}",
            remedy=exc.remedy if absent else f"install its requirements, for example {install_command('compile')}",
        ) from exc


@dataclass(frozen=True)
class _Snapshot:
    """A batch after one component of the original.

    :param docs: Its Docs, which later components change.
    :param annotations: Those that each Doc had then.
    :param rows: The hidden states of each, if the component is a transformer: a later one may replace or remove them.
    """

    docs: list[Doc | FailedDoc]
    annotations: list[Annotations]
    rows: list[Any]


class _OriginalRun:
    """An original on one batch of texts after the other, for any number of comparisons.

    :param transformers: Names of the components whose hidden states are compared.
    """

    def __init__(self, nlp: Language, transformers: Collection[str]) -> None:
        self.nlp = nlp
        self.snapshots: dict[str, _Snapshot] = {}
        self._transformers = transformers
        self.batch_seconds: list[float] = []
        self._runner, self._repeated = ComponentRunner(nlp), RepeatedRun(nlp)
        self._again: dict[str, list[Mapping[str, Annotations]]] = {}

    @property
    def seconds(self) -> float:
        """The time of all batches."""
        return self._runner.seconds

    def warm_up(self, golds: Sequence[Doc]) -> None:
        """Run texts before the time is taken."""
        self._runner.warm_up([gold.text for gold in golds])

    def start(self, texts: Sequence[str]) -> None:
        """Run a batch; its Docs and their annotations after each component replace those of the last one."""
        before = self.seconds
        docs = self._runner.tokenize(texts)
        self._again, self.snapshots = {}, {TOKENIZER: self._snapshot(TOKENIZER, docs)}
        for name in self.nlp.pipe_names:
            docs = self._runner.run(name, docs)
            self.snapshots[name] = self._snapshot(name, docs)
        self.batch_seconds.append(self.seconds - before)

    def _snapshot(self, name: str, docs: list[Doc | FailedDoc]) -> _Snapshot:
        rows = [original_rows(doc) for doc in docs] if name in self._transformers else []
        return _Snapshot(docs, [_annotations(doc) for doc in docs], rows)

    def again(self, text: str) -> list[Mapping[str, Annotations]]:
        """Run a text of the batch by itself, several times."""
        if text not in self._again:
            self._again[text] = self._repeated(text)
        return self._again[text]


class _ComponentCounts:
    """Counts of what each component annotates in both pipelines, over the documents so far."""

    def __init__(self, original: Language) -> None:
        self._order = {name: place for place, name in enumerate((TOKENIZER, *original.pipe_names))}
        self._shown = {
            (name, kind)
            for name in original.pipe_names
            for kind in declared(original.get_pipe(name), original.get_pipe_meta(name).assigns)
        }
        self._tallies = {(name, kind): Tally(name, kind) for name, kind in self._shown}
        self.opaque: dict[tuple[str, str], str] = {}

    def add_document(
        self, number: int, text: str, pairs: Mapping[str, Pair], gold: Annotations, again: RunAgain
    ) -> bool:
        """Count the changes of all components on one document, and return whether both pipelines agree.

        Where they do not, the original runs again: annotations that change from run to run are left out.

        :param pairs: What both pipelines have annotated after each component.
        :param again: Runs a text by itself, several times.
        """
        repeated = [] if all(is_same(*pair) for pair in pairs.values()) else again(text)
        before: Pair = ({}, {})
        last: Places = {}
        same = True
        for name, pair in pairs.items():
            unsteady = unsteady_places(pair[0], [one[name] for one in repeated])
            for kind in (kind for kind, places in unsteady.items() if last.get(kind, ()) != places):
                self._shown.add((name, kind))
                self._tally(name, kind).unsteady_documents += 1
            after = leave_out(pair[0], unsteady), leave_out(pair[1], unsteady)
            steady_gold = {kind: items for kind, items in gold.items() if kind not in unsteady}
            same &= self._add_component(number, name, text, before, after, steady_gold)
            before, last = after, unsteady
        return same

    def _add_component(self, number: int, name: str, text: str, before: Pair, after: Pair, gold: Annotations) -> bool:
        """Count the changes of one component on one document, and return whether both pipelines agree."""
        agreed = True
        for kind in after[0].keys() | after[1].keys() | {kind for owner, kind in self._shown if owner == name}:
            first, second = after[0].get(kind, {}), after[1].get(kind, {})
            changed = first != before[0].get(kind, {}) or second != before[1].get(kind, {})
            if name == TOKENIZER:
                changed = first != second
            if changed:
                self._shown.add((name, kind))
            type_ = opaque(first) or opaque(second)
            if type_ is not None:
                if changed:
                    self.opaque[name, kind] = type_
                continue
            tally = self._tally(name, kind)
            # A component that changes nothing here may do so in the next text: its counts are kept until the end.
            agreed &= tally.add(number, text, first, second) or not changed
            if kind in gold:
                tally.add_gold(first, second, gold[kind])
        return agreed

    def _tally(self, name: str, kind: str) -> Tally:
        return self._tallies.setdefault((name, kind), Tally(name, kind))

    def shown(self) -> list[Tally]:
        """Return the counts of all that components have annotated or declare, in the pipeline's order."""
        found = [tally for key, tally in self._tallies.items() if key in self._shown and key not in self.opaque]
        return sorted(found, key=lambda tally: (self._order[tally.component], tally.annotation))


class _Comparison:
    """Two pipelines, and the counts of their annotations so far."""

    def __init__(self, run: _OriginalRun, compiled: Language) -> None:
        self._nlp, self._compiled = run.nlp, compiled
        self._run, self._second = run, ComponentRunner(compiled)
        self.batch_seconds: list[float] = []
        self._counts = _ComponentCounts(run.nlp)
        self._hidden = HiddenTally()
        self._failures: list[TextFailure] = []
        self._documents = self._identical = self._words = 0

    def warm_up(self, golds: Sequence[Doc]) -> None:
        """Run texts before the time is taken."""
        self._second.warm_up([gold.text for gold in golds])

    def add(self, begin: int, golds: Sequence[Doc]) -> None:
        """Run the original's batch through the compiled pipeline, component by component."""
        before = self._second.seconds
        texts = [gold.text for gold in golds]
        expected = [_gold(gold) for gold in golds]
        second = self._second.tokenize(texts)
        pairs: dict[str, list[Pair]] = {}
        for name, snapshot in self._run.snapshots.items():
            if name != TOKENIZER:
                second = self._second.run(name, second)
                if snapshot.rows:
                    self._hidden.add(snapshot.rows, second)
            pairs[name] = list(zip(snapshot.annotations, map(_annotations, second), strict=True))
        self.batch_seconds.append(self._second.seconds - before)
        for i, (old, new) in enumerate(zip(snapshot.docs, second, strict=True)):
            same = True
            if isinstance(old, Doc):
                own = {name: found[i] for name, found in pairs.items()}
                same = self._counts.add_document(begin + i, texts[i], own, expected[i], self._run.again)
            self._finish(begin + i, old, new, same)

    def _finish(self, number: int, first: Doc | FailedDoc, second: Doc | FailedDoc, same: bool) -> None:
        for pipeline, found in (("original", first), ("compiled", second)):
            if isinstance(found, FailedDoc):
                self._failures.append(TextFailure(number, pipeline, found.component, found.error))
        self._documents += 1
        self._words += len(first) if isinstance(first, Doc) else 0
        self._identical += same and isinstance(first, Doc) and isinstance(second, Doc)

    def report(self) -> VerificationReport:
        """Return all counts."""
        exact, tallies = rules_in(self._compiled.meta).exact, self._counts.shown()
        compared = self._documents - sum(failure.pipeline == "original" for failure in self._failures)
        rows = tuple(tally.report(documents=compared, exact=exact) for tally in tallies)
        return VerificationReport(
            documents=self._documents,
            identical_documents=self._identical,
            largest_hidden_difference=self._hidden.largest,
            relative_hidden_error=self._hidden.relative,
            unlike_documents=self._hidden.unlike,
            components=rows,
            not_compared=tuple(self._not_compared({row.component for row in rows})),
            failures=tuple(self._failures),
            differences=tuple(difference for tally in tallies for difference in tally.differences),
            speed={"original": self._time(self._run.seconds), "compiled": self._time(self._second.seconds)},
        )

    def _not_compared(self, compared: set[str]) -> Iterator[NotCompared]:
        for (name, kind), value in sorted(self._counts.opaque.items()):
            yield NotCompared(name, f"{kind} holds values of type {value}")
        for name in self._nlp.pipe_names:
            is_transformer = isinstance(self._compiled.get_pipe(name), CompiledTransformer)
            if name not in compared and not (is_transformer and self._hidden.largest is not None):
                yield NotCompared(name, "changes nothing on these texts, and declares nothing that can be compared")

    def _time(self, seconds: float) -> PipelineTime:
        return PipelineTime(
            round(seconds, 4),
            round(self._words / max(seconds, 1e-9), 1),
            round(1000 * seconds / max(self._documents, 1), 3),
        )


def _gold(doc: Doc) -> Annotations:
    found = annotations_of(doc)
    return {kind: found.get(kind, {}) for kind in annotated(doc)}


def _annotations(doc: Doc | FailedDoc) -> Annotations:
    return annotations_of(doc) if isinstance(doc, Doc) else {}
