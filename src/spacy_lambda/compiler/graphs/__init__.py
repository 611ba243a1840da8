"""ONNX graphs written by hand for the architectures that pipelines use most.

::

    architectures           the table: a model's type -> the reader of its weights
    bert, distilbert, albert, mpnet, deberta, modernbert, curated
                            readers, and the kinds of attention that only one architecture has
    weights                 the weights in one form
    encoder_graph           weights -> the graph
    layers, attention, distances, products
                            its parts; products in fp32 or with integer weights
    builder                 nodes and constants -> an ONNX model
"""
