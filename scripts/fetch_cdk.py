"""Install the pinned CDK command line into a folder, so that the tests need no network.

python scripts/fetch_cdk.py FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from spacy_lambda.core.env_names import CDK_VARIABLE
from spacy_lambda.deploy.cdk_cli import VERSION, find_cdk


def main() -> None:
    os.environ.pop(CDK_VARIABLE, None)
    os.environ["XDG_CACHE_HOME"] = str(Path(sys.argv[1]).resolve())
    print(f"aws-cdk {VERSION}: {find_cdk().run('--version').splitlines()[-1]}")


if __name__ == "__main__":
    main()
