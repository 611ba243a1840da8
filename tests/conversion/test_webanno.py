"""WebAnno TSV 3, as INCEpTION exports it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spacy_lambda.conversion import convert
from spacy_lambda.errors import CorpusError
from tests.conversion.files import converted, ents, spans_in, write_files

NE = "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value"
POS = "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|coarseValue|PosValue"
RELATION = "#T_RL=webanno.custom.Causes|kind|BT_webanno.custom.Span"
HEADER = f"#FORMAT=WebAnno TSV 3.3\n{POS}\n{NE}\n{RELATION}\n#T_SP=webanno.custom.Mark\n\n"
BODY = (
    "\n#Sentence.id=s1\n#Text=Zinc \U0001f9ea oxide melts\\\\.\n"
    "1-1\t0-4\tZinc\tX\tNN\t*[1]|_\tMAT[1]|SUB\\_STANCE[2]\t_\t_\t*\t\n"
    "1-2\t5-7\t\U0001f9ea\tX\tSYM\t*[1]\tMAT[1]\t_\t_\t_\t\n"
    "1-3\t8-13\toxide\tX\tNN\t*[1]\tMAT[1]\t_\t_\t_\t\n"
    "1-4\t14-19\tmelts\tX\tVB\t_\t_\tcause\t1-1\t_\t\n"
    "1-4.1\t14-18\tmelt\tX\tVB\t_\tPROC\t_\t_\t_\t\n"
    "1-5\t19-20\t\\\\\tX\t.\t_\t_\t_\t_\t_\t\n"
    "1-6\t20-21\t.\tX\t.\t_\t_\t_\t_\t_\t\n"
    "\n#Text=Tin\n2-1\t22-25\tTin\tX\tNN\thttp://example.org/tin\t*\t_\t_\t_\t\n"
)


def test_inceptions_export(tmp_path: Path) -> None:
    source = write_files(tmp_path, {"doc.tsv": HEADER + BODY}) / "doc.tsv"
    report, (doc,) = converted(source, overlaps="spans")
    assert report.format == "webanno"
    assert doc.text == "Zinc \U0001f9ea oxide melts\\.\nTin"
    assert [sent.text.strip() for sent in doc.sents] == ["Zinc \U0001f9ea oxide melts\\.", "Tin"]
    assert sorted(spans_in(doc)) == [
        ("Zinc", "Mark"),
        ("Zinc", "SUB_STANCE"),
        ("Zinc \U0001f9ea oxide", "MAT"),
    ]
    assert dict(report.dropped) == {"no label": 1, "misaligned": 1}
    assert report.examples["misaligned"][0].place == f"{source}:14"
    assert dict(report.notes) == {
        "annotations of the span layer POS, not converted": 8,
        "values of the feature NamedEntity.identifier, not converted": 1,
        "annotations of the relation layer Causes, not converted": 1,
        "documents with parts that are not annotated, which doc.spans cannot hold": 1,
    }


def test_a_text_over_several_lines_has_a_line_for_each(tmp_path: Path) -> None:
    text = "Zinc \\n\n\nmelts. Tin\r\ntoo.\n"
    line = json.dumps({"text": text, "spans": [[0, 4, "M"]]})
    source = write_files(tmp_path, {"in.jsonl": line}) / "in.jsonl"
    convert(source, tmp_path / "out", lang="en", output_format="webanno")
    (written,) = (tmp_path / "out").glob("*.tsv")
    lines = written.read_bytes().decode().split("\n")
    assert [one for one in lines if one.startswith("#Text=")] == [
        "#Text=Zinc \\\\n",
        "#Text=",
        "#Text=melts. Tin\\r",
        "#Text=too.",
        "#Text=",
    ]
    _, (doc,) = converted(tmp_path / "out", lang="en")
    assert (doc.text, ents(doc)) == (text, [("Zinc", "M")])


def test_the_curated_file_of_a_project_is_taken(tmp_path: Path) -> None:
    def file(label: str) -> str:
        return f"#FORMAT=WebAnno TSV 3.2\n{NE}\n\n\n#Text=Tin\n1-1\t0-3\tTin\t_\t{label}\t\n"

    names = ("annotation/a.txt/ann.tsv", "annotation/a.txt/ben.tsv", "curation/a.txt/CURATION_USER.tsv")
    files = {f"{name}": file(label) for name, label in zip(names, ("ANN", "BEN", "BOTH"), strict=True)}
    files["annotation/b.txt/ann.tsv"] = file("ANN")
    files["annotation/b.txt/INITIAL_CAS.tsv"] = file("NONE")
    report, docs = converted(write_files(tmp_path / "project", files))
    assert [(doc.user_data["id"], ents(doc)) for doc in docs] == [
        ("b.txt", [("Tin", "ANN")]),
        ("a.txt", [("Tin", "BOTH")]),
    ]
    assert dict(report.left_out) == {"another annotator's": 2}
    _, docs = converted(tmp_path / "project", annotator="ben")
    assert [ents(doc) for doc in docs] == [[("Tin", "BEN")], [("Tin", "ANN")]]


def test_layers_named_like_built_in_ones_are_read(tmp_path: Path) -> None:
    content = (
        "#FORMAT=WebAnno TSV 3.3\n#T_SP=webanno.custom.POS|kind|certainty\n#T_SP=webanno.custom.Chunk|value\n\n\n"
        "#Text=Tin melts\n1-1\t0-3\tTin\tMETAL\thigh\t_\t\n1-2\t4-9\tmelts\t_\t_\tPROC\t\n"
    )
    source = write_files(tmp_path, {"doc.tsv": content}) / "doc.tsv"
    report, (doc,) = converted(source)
    assert ents(doc) == [("Tin", "METAL"), ("melts", "PROC")]
    assert dict(report.notes) == {"values of the feature POS.certainty, not converted": 1}
    for place in ("POS.certainty", "webanno.custom.POS.certainty"):
        report, (doc,) = converted(source, spans_from=place)
        assert ents(doc) == [("Tin", "high")]
        assert report.notes["annotations of the span layer Chunk, not converted"] == 1
    with pytest.raises(CorpusError, match=r"no place of spans 'Pos'; it has Chunk, Chunk.value, POS"):
        converted(source, spans_from="Pos")


def test_slots_are_not_labels(tmp_path: Path) -> None:
    layers = "ROLE_webanno.custom.Frame:Roles_webanno.custom.Link|uima.tcas.Annotation"
    content = (
        f"#FORMAT=WebAnno TSV 3.3\n#T_SP=webanno.custom.Frame|{layers}|name\n#T_SP=webanno.custom.Act|{layers}\n\n\n"
        "#Text=Tin melts\n1-1\t0-3\tTin\tagent\t1-2\tMETAL\t_\t_\t\n1-2\t4-9\tmelts\t_\t_\t_\tagent;place\t1-1;1-1\t\n"
    )
    report, (doc,) = converted(write_files(tmp_path, {"doc.tsv": content}) / "doc.tsv")
    assert ents(doc) == [("Tin", "METAL"), ("melts", "Act")]
    assert sum(report.notes.values()) == 4  # roles and targets


def test_an_absurd_offset_is_refused_before_the_text_is_made(tmp_path: Path) -> None:
    for offsets, problem in (
        ("900000000-900000003", "900,000,000, 899,999,997 after"),
        ("9" * 5000 + "-3", "5,000 dig"),
    ):
        content = HEADER + "#Text=Tin\n1-1\t0-3\tTin\tX\tNN\t_\t_\t_\t_\t_\t\n"
        content += f"\n#Text=Tin\n2-1\t{offsets}\tTin\tX\tNN\t_\t_\t_\t_\t_\t\n"
        with pytest.raises(CorpusError, match=f"doc.tsv:11: .*{problem}"):
            converted(write_files(tmp_path, {"doc.tsv": content}) / "doc.tsv")


def test_sentences_without_tokens_are_counted(tmp_path: Path) -> None:
    content = HEADER + BODY.replace("\n#Text=Tin", "\n#Text=Lead\n\n#Text=Tin")
    report, _ = converted(write_files(tmp_path, {"doc.tsv": content}) / "doc.tsv")
    assert report.notes["sentences without tokens, left out"] == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER + BODY.replace("\t_\tPROC\t_\t_\t_\t", ""), r"doc.tsv:14: the line has 5 columns; the header names 10"),
        (HEADER + BODY.replace("\t_\tPROC\t", "\t_\tPROC\tX\t"), r"doc.tsv:14: the line has 12 columns"),
        (HEADER + BODY.replace("22-25", "22-9999999999"), r"doc.tsv:19: 'Tin' is not at 22-9999999999"),
        (HEADER.replace("#T_RL", "#T_XX") + BODY, r"doc.tsv:4: '#T_XX=' is not a kind of layer"),
        ("#FORMAT=WebAnno TSV 2\n", r"doc.tsv:1: .* is not WebAnno TSV 3"),
        ("#id=1\n#text=Zinc\n1-1\tZinc\tB-M\n", r"doc.tsv:1: is WebAnno TSV 2; only version 3 is read"),
        (HEADER + BODY + "Tin\t_\n", r"doc.tsv:20: .* is not a token"),
        (HEADER + BODY.replace("22-25", "21-24") + "3-1\t3-4\tx\n", r"doc.tsv:19: 'Tin' is not at 21-24|'x' is not"),
    ],
)
def test_invalid_files_are_named_with_the_line(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        converted(write_files(tmp_path, {"doc.tsv": content}) / "doc.tsv")


def test_tokens_of_a_file_without_a_layer_of_spans_are_not_annotated(tmp_path: Path) -> None:
    source = write_files(tmp_path, {"doc.tsv": "#FORMAT=WebAnno TSV 3.3\n\n\n#Text=Zinc\n1-1\t0-4\tZinc\t\n"})
    report, (doc,) = converted(source / "doc.tsv")
    assert dict(report.notes) == {"files without a layer of spans, whose tokens are not annotated": 1}
    assert not doc.has_annotation("ENT_IOB")
