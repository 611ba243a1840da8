"""Print the coverage of each package, from the data that the tests have left."""

from __future__ import annotations

from collections import defaultdict
from pathlib import PurePosixPath

import coverage


def main() -> None:
    data = coverage.Coverage()
    data.load()
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name in sorted(data.get_data().measured_files()):
        _, statements, _, missing, _ = data.analysis2(name)
        parts = PurePosixPath(name).parts
        package = ".".join(parts[parts.index("spacy_lambda") : -1])
        totals[package][0] += len(statements)
        totals[package][1] += len(missing)
    totals["total"] = [sum(one[0] for one in totals.values()), sum(one[1] for one in totals.values())]
    for package, (statements, missing) in totals.items():
        share = 100 * (statements - missing) / max(statements, 1)
        print(f"{package:36} {statements:6} statements {missing:5} missed {share:6.1f} %")


if __name__ == "__main__":
    main()
