"""How Keras is started and which numbers it computes with, whatever a person has set it up for.

Importing this package imports no Keras.
"""
