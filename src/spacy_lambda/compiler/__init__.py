"""Pipeline -> compiled pipeline, and the proof that it says the same.

The flow, one module each::

    survey     the original is loaded; everything that cannot be compiled is named at once
    encode     each transformer becomes an ONNX encoder, checked against torch
      weights    the BERT family's weights in one form
      bert       weights -> graph, written for the purpose
      quantize   weights -> 7-bit weights (int8)
      trace      any other architecture -> graph, traced by torch
    write      the directory: the original's, with encoders in place of the transformers
    build      the above in order; the result appears whole or not at all
    compare    original and compiled on the same texts, component by component
      texts      the user's texts, wherever they are

Needs the ``compile`` extra. Must not be imported by the runtime.
"""
