"""One network a style: trained once, after which a picture takes a moment (Johnson 2016; Ulyanov 2016).

Importing this package imports no Keras.
"""
