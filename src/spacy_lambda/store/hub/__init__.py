"""The Hugging Face Hub as a store: one repository for each pipeline.

::

    hub_store ──commit──▶ the commit's files: pipeline, wheel, model card, manifest
        │                      └── wheel, card
        └── requests, through session: errors of huggingface_hub become spacy-lambda's; the token goes to the Hub alone
"""
