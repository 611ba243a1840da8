"""Base of the components that run a compiled encoder, one for each library whose transformers can be compiled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
import numpy.typing as npt
import srsly
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_lambda.errors import PipelineLoadError, TrainingError
from spacy_lambda.runtime.concurrent_windows import ConcurrentWindows, WindowRun
from spacy_lambda.runtime.encoder import GRAPH_FILE, WEIGHTS_FILE, Encoder, EncoderBytes, HiddenStates
from spacy_lambda.runtime.encoder_output import Encoding, set_encoding
from spacy_lambda.runtime.listener import read_each_token
from spacy_lambda.runtime.trf_data.extension import install_extension

__all__ = ["CompiledTransformer", "PreparedDoc"]

T = TypeVar("T")

AHEAD_WORDPIECES = 8192
"""Wordpieces of Docs that are encoded before they are needed, at most."""


class PreparedDoc(NamedTuple):
    """The windows of a Doc before they have run.

    :param windows: Wordpiece ids of each window. *Shape of each:* ``(n_wordpieces,)``
    :param types: Token types of each window, or ``None`` if they are all 0.
    :param finish: Returns the Doc's encoding, given the windows' hidden states.
    """

    windows: Sequence[npt.NDArray[np.int64]]
    types: Sequence[npt.NDArray[np.int64] | None] | None
    finish: Callable[[list[HiddenStates]], Encoding]

    @property
    def n_wordpieces(self) -> int:
        """Wordpieces of all windows."""
        return sum(map(len, self.windows))


class _Listeners(dict[str, Any]):
    """Listeners by component; spaCy gets only those that ``nlp.replace_listeners`` is to replace."""

    def get(self, name: str, default: Any = None) -> Any:
        """Refuse to replace them.

        :raises TrainingError: Always.
        """
        raise TrainingError(
            f"the listeners of component {name!r} cannot be replaced: the pipeline is compiled",
            remedy="call nlp.replace_listeners on the original, and compile the result: spacy-lambda compile",
        )


class _ListenedTo:
    """A component with listeners, as spaCy sees it; they are not linked to it, but read hidden states from Docs."""

    model = None
    listeners: Sequence[Any] = ()
    listening_components: Sequence[str] = ()

    def add_listener(self, listener: Any, component_name: str) -> None:
        """Ignore a listener."""

    def remove_listener(self, listener: Any, component_name: str) -> bool:
        """Ignore a listener."""
        return False

    def find_listeners(self, component: Any) -> None:
        """Prepare the listeners of a component."""
        read_each_token(getattr(component, "model", None))

    @property
    def listener_map(self) -> Mapping[str, Any]:
        """The listeners, which cannot be replaced."""
        return _Listeners()

    @listener_map.setter
    def listener_map(self, _: Any) -> None:
        """Ignore the listeners that spaCy sets."""


class CompiledTransformer(_ListenedTo, ABC):
    """A component that encodes Docs and leaves the hidden states on them for the listeners.

    :param vocab: The pipeline's vocabulary.
    :param name: The component's name in the pipeline.
    :param max_length: Wordpieces the encoder takes at most.
    :param width: Columns of the hidden states.
    """

    def __init__(self, vocab: Vocab, name: str, *, max_length: int, width: int) -> None:
        self.vocab = vocab
        self.name = name
        self.max_length = max_length
        self.width = width
        self._encoder: Encoder | None = None
        install_extension()

    @abstractmethod
    def prepare(self, doc: Doc) -> PreparedDoc:
        """Cut a Doc, which stays as it is, into windows of wordpieces."""

    @abstractmethod
    def count_wordpieces(self, doc: Doc) -> int:
        """Return the number of wordpieces of a Doc in all windows; it may be an estimate."""

    @abstractmethod
    def _write_files(self, folder: Path) -> None:
        """Write all files but the encoder's."""

    @abstractmethod
    def _read_files(self, folder: Path) -> None:
        """Read what :meth:`_write_files` wrote.

        :raises PipelineLoadError: If a file is missing or broken.
        """

    @abstractmethod
    def _dump_files(self) -> dict[str, Any]:
        """Return the same as entries of a message."""

    @abstractmethod
    def _load_files(self, message: Mapping[str, Any]) -> None:
        """Read the entries of :meth:`_dump_files`."""

    def __call__(self, doc: Doc) -> Doc:
        """Encode one Doc; it is changed in place and returned."""
        return self._annotate(doc, self.encode(doc))

    def encode(self, doc: Doc) -> Encoding:
        """Return the hidden states of one Doc, which stays as it is."""
        encoder = self._loaded(self._encoder)
        prepared = self.prepare(doc)
        return prepared.finish(encoder(prepared.windows, prepared.types))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Encode a stream of Docs, in order. With several CPUs, windows of the next Docs run meanwhile.

        :param batch_size: Docs whose hidden states are held at once.
        """
        for doc, encoding in self.encode_each(stream, ahead=batch_size):
            yield self._annotate(doc, encoding)

    def encode_each(self, docs: Iterable[Doc], *, ahead: int = 64) -> Iterator[tuple[Doc, Encoding]]:
        """Yield Docs, which stay as they are, with their hidden states, in order.

        :param ahead: Docs that are encoded before they are needed, at most.
        """
        encoder = self._loaded(self._encoder)
        waiting: deque[tuple[Doc, PreparedDoc, list[WindowRun]]] = deque()
        n_waiting = 0
        with ConcurrentWindows(encoder) as concurrent:
            for doc in docs:
                prepared = self.prepare(doc)
                runs = concurrent.add(encoder.inputs(prepared.windows, prepared.types))
                waiting.append((doc, prepared, runs))
                n_waiting += prepared.n_wordpieces
                while len(waiting) > (ahead if concurrent.is_concurrent else 0) or n_waiting > AHEAD_WORDPIECES:
                    first, prepared, runs = waiting.popleft()
                    n_waiting -= prepared.n_wordpieces
                    yield first, prepared.finish(concurrent.results(runs))
            for doc, prepared, runs in waiting:
                yield doc, prepared.finish(concurrent.results(runs))

    def _annotate(self, doc: Doc, encoding: Encoding) -> Doc:
        """Leave hidden states on their Doc."""
        install_extension()
        set_encoding(doc, encoding)
        return doc

    @property
    def _cut_key(self) -> str:
        """Key of wordpieces that were counted, on a Doc that is still to be encoded."""
        return f"spacy_lambda.wordpieces.{self.name}"

    def open(self) -> None:
        """Load the encoder now, so that the first text does not wait for it."""
        self._loaded(self._encoder).open()

    def initialize(self, get_examples: Any = None, *, nlp: Any = None) -> None:
        """Refuse ``nlp.initialize``, which would replace the weights of all components.

        :raises TrainingError: Always.
        """
        raise TrainingError(
            f"component {self.name!r} is compiled: it cannot be initialized",
            remedy="train the original and compile it again; use nlp.select_pipes to initialize others only",
        )

    def _loaded(self, part: T | None) -> T:
        """Return a part of the component if it has been set."""
        if part is None:
            raise PipelineLoadError(
                f"component {self.name!r} has no encoder: it was made from a config, not loaded",
                remedy="spacy.load() the compiled pipeline's folder",
            )
        return part

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write wordpieces and encoder into a folder."""
        encoder = self._loaded(self._encoder)
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        self._write_files(folder)
        encoder.write(folder)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:
        """Read what :meth:`to_disk` wrote. The encoder's file is opened at the first text, or by :meth:`open`.

        :raises PipelineLoadError: If a file is missing or broken.
        """
        folder = Path(path)
        for name in (GRAPH_FILE, WEIGHTS_FILE):
            if not (folder / name).is_file():
                raise PipelineLoadError(f"{folder / name} is missing", remedy="compile the pipeline again")
        self._read_files(folder)
        self._encoder = self._make_encoder(folder)
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Wordpieces and encoder in one message."""
        encoder = self._loaded(self._encoder)
        message = {**self._dump_files(), **encoder.read()._asdict()}
        return bytes(srsly.msgpack_dumps(message))

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> Self:
        """Read what :meth:`to_bytes` wrote."""
        message = srsly.msgpack_loads(data)
        self._load_files(message)
        self._encoder = self._make_encoder(EncoderBytes(message["graph"], message["weights"]))
        return self

    def replace_encoder(self, change: Callable[[EncoderBytes], EncoderBytes]) -> None:
        """Change the encoder of this component."""
        self._encoder = self._make_encoder(change(self._loaded(self._encoder).read()))

    def _make_encoder(self, model: Path | EncoderBytes) -> Encoder:
        return Encoder(model)
