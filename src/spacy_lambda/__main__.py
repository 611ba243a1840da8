"""``python -m spacy_lambda``: the command line."""

from spacy_lambda.cli import main

if __name__ == "__main__":
    main()
