"""The arithmetic and the tables of the benchmarks; no test says how long anything takes."""

import json

import numpy as np
import pytest

from benchmarks import few_labels, shifted_vectors, single_particles
from benchmarks.expected_recall import NAMES, Draw, as_lines, draws_of
from benchmarks.label_efficiency.cells import scores
from benchmarks.label_efficiency.report import as_table as efficiency_table
from benchmarks.real_frames.variants import LESS, binned, central, counts_of
from benchmarks.speed import timing
from benchmarks.speed.machine import Machine, describe_machine
from benchmarks.speed.report import as_json, as_page, as_table
from benchmarks.speed.rows import Row, faster
from sklearn_sfx.classifiers._simulated_peaks import simulated_peaks

MACHINE = Machine("A processor", 2, 0.25, {"numpy": "2.0"}, quick=False)


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_passes_take_turns_and_the_first_round_does_not_count():
    calls = []

    def numbered(name):
        def run():
            calls.append(name)
            return float(len(calls))

        return run

    seconds = timing.interleave({"a": numbered("a"), "b": numbered("b")}, repeats=2)
    assert calls == ["a", "b"] * 3
    assert seconds == {"a": [3.0, 5.0], "b": [4.0, 6.0]}


def test_a_pass_returns_the_seconds_it_took():
    clock = iter([10.0, 12.5])
    assert timing.timed(lambda: "not used", lambda: next(clock))() == 2.5


def test_ratios_are_those_of_pairs():
    # A machine that gets slower: the ratio of each pair stays, that of sorted times would not.
    assert timing.paired_ratios(peer=[2, 4, 16], ours=[1, 2, 8]) == [2, 2, 2]
    with pytest.raises(ValueError, match="shorter"):
        timing.paired_ratios(peer=[1, 2], ours=[1])


def test_a_row_of_speeds():
    seconds = {"ours": [1.0, 1.0, 2.0, 1.0], "scipy": [10.0, 20.0, 60.0, 40.0]}
    row = faster("what", "scipy", seconds, "ours", "scipy", 4, least=8, aim=13)
    assert row.values == (10, 20, 30, 40)
    assert row.median == 25
    assert row.quartiles == (17.5, 32.5)
    assert row.ours == "250 ms"
    assert row.peer == "7,500 ms"


@pytest.mark.parametrize(
    ("measured", "least", "aim", "lower_is_better", "reached"),
    [
        (13.0, 8, 13, False, "aim"),
        (12.9, 8, 13, False, "least"),
        (7.9, 8, 13, False, "no"),
        (1.0, 1.1, 1.0, True, "aim"),
        (1.1, 1.1, 1.0, True, "least"),
        (1.2, 1.1, 1.0, True, "no"),
        (1.05, 1.1, None, True, "least"),
        (7.9, None, None, False, ""),
    ],
)
def test_what_a_row_reaches(measured, least, aim, lower_is_better, reached):
    values = (0.0, measured, 1e9)  # the median decides
    assert Row("a", "b", values, least, aim, lower_is_better).reached == reached


def test_a_table_shows_what_was_demanded_beside_what_was_measured():
    rows = [
        Row("fused", "scipy", (7.0, 7.5, 7.25), least=8, aim=13, ours="2 ms", peer="14 ms"),
        Row("error", "float64", (4.14e-7,), least=2e-4, aim=5e-5, lower_is_better=True),
        Row("decision", "peakfinder8", (), least=5, aim=7, note="There is no peakfinder8."),
    ]
    header, rule, fused, error, decision, empty, note = as_table(rows).splitlines()
    assert cells(header)[2:7] == ["measured", "quartiles", "least", "aim", "reached"]
    assert set(rule) == {"|", "-"}
    assert len({len(line) for line in (header, rule, fused, error, decision)}) == 1
    assert cells(fused) == [
        *("fused", "scipy", "7.25", "7.12-7.38", "8", "13", "no", "2 ms", "14 ms"),
    ]
    assert cells(error) == ["error", "float64", "4.1e-07", "", "2.0e-04", "5.0e-05", "aim", "", ""]
    assert cells(decision)[2:7] == ["not measured", "", "5", "7", ""]
    assert (empty, note) == ("", "There is no peakfinder8.")


def test_the_page_says_how_it_came_about():
    rows = [Row("fused", "scipy", (7.0, 8.0))]
    elsewhere = {"A GPU": ("python -m benchmarks.speed --gpu", "How.", "A machine.", rows)}
    page = as_page(MACHINE, {"hit_decision": ("How it was done.\n", rows)}, elsewhere)
    assert page.startswith("# Speed\n\nThis page was written by `make bench`")
    assert "A processor, 2 cores, load 0.2 when the run began; numpy 2.0." in page
    assert "## Hit decision\n\nHow it was done.\n\nRepeats: 2.\n\n| what" in page
    assert "## A GPU\n\nThis part was measured by `python -m benchmarks.speed --gpu`." in page
    assert "quick" not in page


def test_a_quick_run_says_so():
    machine = describe_machine(load=0.0, quick=True)
    assert machine.cores >= 1
    assert {"Python", "numpy", "torch"} <= set(machine.versions)
    assert machine.sentence().startswith("A quick run")


def test_json_holds_every_repeat():
    rows = [Row("fused", "scipy", (7.0, 8.0, 12.0), least=8, aim=13), Row("a", "b", (), note="why")]
    results = json.loads(as_json(MACHINE, {"preprocessing": ("How.", rows)}))
    assert results["machine"]["processor"] == "A processor"
    fused, missing = results["sections"]["preprocessing"]
    assert fused["values"] == [7, 8, 12]
    assert (fused["median"], fused["quartiles"]) == (8, [7.5, 10])
    assert (fused["n_repeats"], fused["reached"]) == (3, "least")
    assert (missing["values"], missing["note"]) == ([], "why")
    assert "median" not in missing


# -- How well hits are found -----------------------------------------------------------------------


def test_figures_at_a_rate_of_5_percent_are_weighted_to_it():
    # Four of five hits and one of twenty misses are kept.
    target, score = np.repeat([1, 0], [5, 20]), np.r_[[0.9] * 4, 0.1, 0.6, [0.2] * 19]
    found = scores(target, score)
    assert (found["recall"], found["precision"]) == (0.8, 0.8)
    assert found["precision, 5 % hits"] == pytest.approx(0.05 * 0.8 / (0.05 * 0.8 + 0.95 * 0.05))
    assert found["recall at precision 0.9, 5 % hits"] == pytest.approx(0.8)
    assert scores(target, np.zeros(25))["precision, 5 % hits"] == 0
    line = few_labels.line("LN84", 0, "any", target, score, 0.5)
    assert line.split() == ["LN84", "0", "any", "0.800", "0.800", "0.800", "0.457", "0.800"]


def test_what_was_not_measured_is_left_blank():
    rows = [
        {"method": "a", "experiment": "LN84", "n_labels": 20, "recall": 0.5},
        {"method": "a", "experiment": "LN83", "n_labels": 20},
    ]
    *_, line = efficiency_table(rows, {"a": None}, "recall").splitlines()
    assert cells(line) == ["a", "20", "0.500 [0.500, 0.500]", "", ""]


def test_expected_recalls_are_compared_with_those_found():
    heights, is_hit, counts = (part[::6] for part in simulated_peaks())
    run = {"target": is_hit.astype(int), "peaks": heights} | dict.fromkeys(NAMES[1:], counts)
    found = draws_of(run, "LN84", 1)
    assert [one.rate for one in found] == [None, 0.05]
    assert all(0.5 < one.recall <= 1 for one in found)
    assert all(0 < one.expected[0] < one.expected[1] <= 1 for one in found)
    known = [
        Draw("LN84", None, (0.8, 0.9), 0.85),
        Draw("LN84", None, (0.8, 1.0), 0.75),
        Draw("LN84", 0.05, None, 0.85),  # too few hits to say
    ]
    _, line, of_all = as_lines(known)
    assert line.split() == ["LN84", "run", "1", "of", "2", "0.800", "0.950", "0.800"]
    assert of_all.split() == ["all", "1", "of", "2", "0.800", "0.950", "0.800"]


def test_shifted_vectors_differ_from_the_source_in_their_shift_alone():
    X, is_hit = shifted_vectors.vectors(50, 0.4, 0)
    assert is_hit.sum() == 20
    assert X[is_hit == 1].max(axis=1).mean() > 1.3 * X[is_hit == 0].max(axis=1).mean()
    for shift in shifted_vectors.SHIFTS.values():
        assert shift(X).shape == X.shape
        assert not np.allclose(shift(X), X)
    np.testing.assert_allclose(shifted_vectors.SHIFTS["30 times larger"](X), 30 * X)


def test_variants_show_the_same_frame_or_less_of_it():
    image = np.random.default_rng(0).poisson(3.0, (97, 130)).astype(np.float32)
    image[0, 0] = np.nan
    assert binned(image).shape == (48, 65)
    assert np.isnan(binned(image)).sum() == 1
    assert binned(image)[1, 1] == image[2:4, 2:4].sum()
    np.testing.assert_array_equal(central(image, 64), image[16:80, 33:97])
    assert central(image, 1024).shape == image.shape
    image[10::20, 10::20] += 50
    image[11::20, 10::20] += 50
    of_hit, of_miss = counts_of(image, is_miss=False), counts_of(image, is_miss=True)
    assert of_miss.keys() - of_hit.keys() == LESS.keys()
    assert of_hit["as it is"] == of_hit["upside down"] == of_hit["transposed"] == 30
    assert of_miss["middle 64"] == 9


def test_frames_of_a_test_weigh_as_those_of_a_run():
    labels = np.repeat(["single", "multiple", "other", "empty"], [4, 3, 2, 1])
    weight = single_particles.weights(labels, (0.04, 0.02, 0.04))
    of_each = [weight[labels == name].sum() for name in ("single", "multiple", "other", "empty")]
    np.testing.assert_allclose(np.divide(of_each, len(labels)), [0.04, 0.02, 0.04, 0.9])


def test_recall_of_single_at_a_precision():
    is_single = np.array([True, True, False, True, False, False])
    score, one = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4]), np.ones(6)
    assert single_particles.recall_at(0.9, is_single, score, one) == pytest.approx(2 / 3)
    assert single_particles.recall_at(0.75, is_single, score, one) == 1
    assert single_particles.recall_at(0.9, is_single, -score, one) == 0
    heavy = np.where(is_single, 1, 0.1)
    assert single_particles.recall_at(0.9, is_single, score, heavy) == 1


def test_tables_of_single_particles_are_of_shares_and_seeds(capsys):
    about = {"domain": "virus", "how": "in-domain", "method": "photons", "labels": 200}
    rows = [
        about | {"seed": seed, "shares": shares, "recall": recall, "average precision": 0.25}
        for seed, shares, recall in [(0, None, 0.2), (1, None, 0.4), (0, [0.3, 0.1, 0.1], 0.9)]
    ]
    single_particles.show(rows, [20, 200])
    said = capsys.readouterr().out
    assert "virus, in-domain, recall, simulated" in said
    assert "| photons |  | 0.300 ± 0.100 (2) |" in said
    assert "virus, in-domain, shares (0.3, 0.1, 0.1), recall, simulated" in said
    assert "| photons |  | 0.900 ± 0.000 (1) |" in said
