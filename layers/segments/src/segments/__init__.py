"""API Segments: the domain, importable by every function.

`model` says what there is, `services` what happens, `stores` where it is kept, `edge` how Lambda events come in and
answers go out. Imports point that way only: edge, services, stores, model.
"""
