"""Compiled transformers of spacy-curated-transformers, imported when a pipeline names them (but for their name).

The flow, one module each::

    factory       its registered name
    component     the spaCy component: Doc -> hidden states
      wordpieces    Doc -> wordpiece ids, token by token
      windows       ids -> windows; hidden states of windows -> one row per wordpiece
    listeners     the layers through which ner, tagger, ... read the hidden states
      scalar_weight  the weighted sum of all layers
      torch_state    weights in torch's file format, read without torch
"""
