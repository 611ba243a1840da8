"""ONNX graphs written by hand for the architectures that pipelines use most.

::

    bert, albert, curated   a model -> its weights, in one form for all of them
    weights                 that form
    encoder_graph           weights -> the graph
    products                the graph's matrix products and embeddings, in fp32 or quantized
    builder                 nodes and constants -> an ONNX model
"""
