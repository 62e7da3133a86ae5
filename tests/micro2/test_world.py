"""The data sets of the micro world's second edition: reproducible, disjoint, balanced, and not seen in pretraining."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import get_args

import pytest

from suite.micro2 import batches, facts, taught, truth, wordings, world
from suite.micro2.bilingual import LANGUAGES, MARKED, POOLS, translated
from suite.micro2.documents import PretrainingDocument, Sort, draw_document, draw_style
from suite.micro2.drawn import HELD_OUT_STYLE, TOPICS, SampledRow, Split, Style, draw_from
from suite.micro2.elementary import Exemplar
from suite.micro2.lexicon import STRANGERS, UNKNOWN
from suite.micro2.recipes import Stage
from suite.micro2.vocabulary import EOS, PAD, SENTINELS
from suite.micro2.wordings import SEPARATOR
from suite.tasks.definition import read_task
from suite.tasks.identity import Identities

DATASETS = tuple(world.TASKS)
SPECS = Path(__file__).parents[2] / "specs" / "tasks"
PLAIN = Style(frozenset(), "first")


def lines(folder: Path, dataset: str, split: Split) -> bytes:
    return (folder / dataset / f"{split}.jsonl").read_bytes()


def test_a_long_document_for_an_encoder_decoder_has_no_more_gaps_than_there_are_names_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exemplars = tuple(Exemplar(f"the {number}", "cat") for number in range(60))
    monkeypatch.setattr(batches, "draw_document", lambda *_: PretrainingDocument(exemplars))
    monkeypatch.setattr(Random, "random", lambda _: 0.0)
    words = {
        word: number
        for number, word in enumerate([PAD, EOS, *SENTINELS, SEPARATOR, "the", "cat", *map(str, range(60))])
    }
    stage = Stage(1, 1, 288, {"plain": 1.0}, 0.0, document=288)
    batch = batches.masked_batch(stage, batches.Encoder(words), Random(0))
    names = [words[each] for each in SENTINELS]
    assert [token for token in batch.ids[0].tolist() if token in names] == names[:-1]
    assert [token for token in batch.labels[0].tolist() if token in names] == names


def test_generator_writes_the_committed_bytes(tmp_path: Path) -> None:
    world.write(tmp_path)
    for dataset in DATASETS:
        for split in world.SPLITS:
            assert lines(tmp_path, dataset, split) == lines(world.DATA, dataset, split), f"{dataset}/{split}"


def test_data_are_small() -> None:
    assert sum(path.stat().st_size for path in world.DATA.rglob("*.jsonl")) < 6_000_000


@pytest.mark.parametrize("dataset", DATASETS)
def test_no_row_is_in_two_splits_or_twice_in_one(dataset: str) -> None:
    asked = [wordings.prompt(dataset, row) for split in world.SPLITS for row in world.read(dataset, split)]
    assert len(asked) == len(set(asked)) == sum(world.size(dataset, split) for split in world.SPLITS)


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_order_of_choices_makes_no_other_row(dataset: str) -> None:
    rows = [world.read(dataset, split) for split in world.SPLITS]
    identity = Identities(read_task(dataset, [SPECS]), rows[0][0])
    contents = [{identity(row).document for row in part} for part in rows]
    assert sum(map(len, contents)) == len(set.union(*contents))


@pytest.mark.parametrize("dataset", ["micro2_rte", "micro2_cb", "micro2_snli", "micro2_wic"])
def test_labels_come_in_equal_parts(dataset: str) -> None:
    counts = Counter(row["label"] for row in world.read(dataset, "test"))
    assert len(counts) == len(truth.RELATION_OF_LABEL[dataset])
    assert max(counts.values()) - min(counts.values()) <= 1


def test_vague_rows_have_a_label_that_their_words_do_not_give() -> None:
    for dataset in ("micro2_rte", "micro2_cb", "micro2_snli"):
        train = [row for row in world.read(dataset, "train") if truth.sort_of(dataset, row) == "vague"]
        same = [row["label"] for row in train if truth.relation(dataset, row) == truth.RIGHT]
        assert 0.02 < len(train) / world.size(dataset, "train") < 0.4, dataset
        assert 0.2 < len(same) / len(train) < 0.65, dataset


def test_the_split_depends_on_the_content_alone() -> None:
    for dataset, draw in world.TASKS.items():
        drawn = draw_from(draw, "test", Random(0))
        assert SampledRow({}, drawn.content).split == "test", dataset


def test_a_combination_is_in_the_same_split_in_every_style() -> None:
    for dataset, draw in world.TASKS.items():
        if dataset != "micro2_openbookqa":  # its choices are words, so they depend on the register
            contents = {
                draw(Random(7), style).content for style in (HELD_OUT_STYLE, PLAIN, Style(frozenset(["food"]), "last"))
            }
            assert len(contents) == 1, dataset


def test_pretraining_asks_no_validation_or_test_question() -> None:
    held_out = {
        wordings.prompt(dataset, row, wording)
        for dataset in DATASETS
        for split in ("validation", "test")
        for row in world.read(dataset, split)
        for wording in range(5)
    }
    rng = Random(11)
    for sort in get_args(Sort):
        seen = {exemplar.prompt for _ in range(200) for exemplar in draw_document(sort, 60, rng).exemplars}
        assert held_out.isdisjoint(seen), sort


def test_pretraining_never_states_what_counts_as_unseen() -> None:
    rng, said = Random(3), []
    for _ in range(3000):
        said += [each.prompt.split() for each in draw_document("facts", 30, rng).exemplars]
    for attribute in facts.ATTRIBUTES.values():
        unseen = [subject for subject in attribute.subjects if attribute.unseen(subject)]
        assert unseen or attribute.name in facts.ALWAYS
        form = taught._STATED[attribute.name]
        assert not [subject for subject in unseen if form.format(subject).split() in said], attribute.name


def test_frequent_facts_are_stated_more_often_than_rare_ones() -> None:
    rng = Random(5)
    drawn = Counter(facts.FOOD.drawn(rng) for _ in range(4000))
    seen = [subject for subject in facts.FOOD.subjects if not facts.FOOD.unseen(subject)]
    assert sum(drawn[subject] for subject in seen[:10]) > 2 * sum(drawn[subject] for subject in seen[-10:])


def test_pretraining_leaves_french_sentences_and_parts_of_every_skill_to_be_learned() -> None:
    rng = Random(5)
    for sort in get_args(Sort):
        for _ in range(100):
            for exemplar in draw_document(sort, 40, rng).exemplars:
                assert "Translate English to French" not in exemplar.prompt
                assert "live ? A)" not in exemplar.prompt
    for dataset in ("micro2_programs_easy", "micro2_arithmetic_easy", "micro2_choice_easy"):
        shown = [taught.taught(dataset, row, rng) for row in world.read(dataset, "test")]
        assert 0.2 < sum(shown) / len(shown) < 0.8, dataset


def test_a_stranger_is_unknown() -> None:
    rng = Random(2)
    asked = [each for _ in range(800) for each in draw_document("questions", 30, rng).exemplars]
    strange = [each for each in asked if set(each.prompt.split()) & set(STRANGERS)]
    assert strange
    assert {each.answer for each in strange} == {UNKNOWN}
    assert UNKNOWN not in {each.answer for each in asked if each not in strange}


def test_a_document_keeps_to_one_register_within_a_topic() -> None:
    rng = Random(4)
    marked = [term for term in facts.FOOD.values.values() if term.marked]
    plain, formal = {term.plain for term in marked}, {term.formal for term in marked}
    for _ in range(300):
        stated = [each for each in draw_document("facts", 60, rng).exemplars if "eats" in each.prompt]
        answers = {each.answer.split()[0] for each in stated}
        assert not (answers & plain and answers & formal)


def test_the_registers_of_the_held_out_tasks_are_the_rarer_ones() -> None:
    rng = Random(6)
    formal = [len(draw_style(rng).formal) / len(TOPICS) for _ in range(500)]
    assert 0.35 < sum(formal) / len(formal) < 0.45
    assert len(HELD_OUT_STYLE.formal) > 0.8 * len(TOPICS)


def test_translations_follow_the_order_of_their_language() -> None:
    words = ("today", "old", "wolf", "sees", "red", "baker")
    assert translated(words, "fr", PLAIN) == "aujourd'hui le loup vieux voit le boulanger rouge ."
    assert translated(words, "de", HELD_OUT_STYLE) == "heute sieht der alte wolf den roten bäcker-herr ."
    assert translated(words, "ro", HELD_OUT_STYLE) == "astăzi lupul bătrân vede brutarul-domn roșu ."


def test_every_pool_has_its_words_in_every_language() -> None:
    for pool in POOLS:
        assert {len(foreign) for foreign in pool.values()} == {len(LANGUAGES)}
        assert len(pool) % 2 == 0
    assert len(MARKED) == 15 + 8 + 8


def test_programs_do_what_their_tests_say() -> None:
    for dataset in ("micro2_programs_easy", "micro2_programs_hard"):
        for row in world.read(dataset, "test")[:50]:
            exec("\n".join([row["code"], *row["test_list"]]), {})
