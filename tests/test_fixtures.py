# SPDX-License-Identifier: Apache-2.0
"""The fixtures of conftest.py do what the other tests rely on."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = (Path(__file__).parent / "conftest.py").read_text(encoding="utf-8")


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A test suite of its own with the conftest of this one."""
    # The real one stands in tests/, one level below the checkout.
    pytester.mkdir("tests")
    (pytester.path / "tests/conftest.py").write_text(CONFTEST, encoding="utf-8")
    pytester.makeini("[pytest]\ntestpaths = tests\nmarkers =\n    tool(name): needs a program\n")
    return pytester


def write_test(suite: pytest.Pytester, text: str) -> None:
    (suite.path / "tests/test_it.py").write_text(text, encoding="utf-8")


def drawn(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if line.startswith("drawn")]


def test_random_numbers_follow_from_the_seed(suite: pytest.Pytester) -> None:
    write_test(suite, "def test_it(rng): print(); print('drawn', rng.integers(1 << 60))\n")
    default, zero, one = (suite.runpytest("-s", *args) for args in ([], ["--seed", "0"], ["--seed", "1"]))
    assert len(drawn(default)) == 1
    assert drawn(default) == drawn(zero)
    assert drawn(zero) != drawn(one)


def test_a_random_seed_is_the_same_in_all_workers_and_printed(suite: pytest.Pytester) -> None:
    write_test(
        suite,
        "import pytest\n"
        "@pytest.mark.parametrize('n', range(4))\n"
        "def test_it(n, request): assert request.config.option.seed == '', 'seed'\n",
    )
    result = suite.runpytest_subprocess("-n", "2", "--seed", "random")
    (header,) = [line for line in result.outlines if line.startswith("tailrace: --seed ")]
    seed = header.rpartition(" ")[2]
    repeats = [line for line in result.outlines if line.startswith("pytest 'tests/test_it.py::test_it[")]
    assert sorted(repeats) == [f"pytest 'tests/test_it.py::test_it[{n}]' --seed {seed}" for n in range(4)]


def test_a_seed_that_is_no_number_is_refused(suite: pytest.Pytester) -> None:
    write_test(suite, "def test_it(): pass\n")
    result = suite.runpytest_subprocess("--seed", "soon")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--seed soon: give a number or 'random'"])


def test_a_golden_file_is_written_compared_and_missed(suite: pytest.Pytester) -> None:
    write_test(suite, "def test_it(golden): golden('text.v', 'module m;\\n')\n")
    suite.runpytest().assert_outcomes(failed=1)  # there is none
    suite.runpytest("--update-golden").assert_outcomes(passed=1)
    path = suite.path / "tests/golden/text.v"
    assert path.read_text(encoding="utf-8") == "module m;\n"
    suite.runpytest().assert_outcomes(passed=1)
    path.write_text("module n;\n", encoding="utf-8")
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*tests/golden/text.v differs; --update-golden accepts the new text*"])


def test_a_test_of_a_missing_program_is_skipped_with_its_name(suite: pytest.Pytester) -> None:
    write_test(
        suite,
        "import pytest\n"
        "@pytest.mark.tool('no-such-program')\n"
        "def test_missing(): pass\n"
        "@pytest.mark.tool('python')\n"
        "def test_present(): pass\n",
    )
    result = suite.runpytest("-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(
        ["SKIPPED*no-such-program is not installed (looked beside python* and on PATH)"]
    )


def test_the_networks_are_looked_for_beside_the_checkout(suite: pytest.Pytester) -> None:
    write_test(suite, "def test_it(shared_models): assert shared_models.name == 'models'\n")
    result = suite.runpytest("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*there is no folder ../shared/models beside the checkout"])
