"""Families of models, and the recipes that use them.

To add a family, write one file in this folder and one recipe under `include/architectures`; nothing else names it.

**A network** takes `Network` as its base and writes `layers(series, *, dropout)`. It gets the standardised channels of the hours
that the recipe reads (`series.x`, [n, hours, channels]; `series.of("T")` for single ones; `series.target` is the variable that
is forecast) and returns what the head reads, [n, anything]. The head is a linear Dense that always follows, with one output
for the horizon and one for each further lead; a family that ends in a linear map, such as DLinear, returns what it weighs.
Scaling, head, leads, several seeds, fitting, resuming and export stand around it. With `dropout=False` it must create the same
weights in the same order, without dropout: the trained weights are put into that twin, which is exported. Only operations that
ONNX knows up to opset 15 can be exported: Keras' own layers and the plain operations of `keras.ops` do; whether one does not,
the conformance suite tells in seconds.

The fields of the class are the keys of its recipes, checked like every other key. The recipe's `target: change` is another
matter than `series.target`: it says that the model adds its output to the value at the origin. `dlinear.py` with `dlinear.yaml`
is a short whole family; `docs/using.md` lists the keys that all networks have.

**A network on a table** takes `Tabled` and `Network` and gives a `TableReading` as its `reading`: `mlp.py` is one. It gets the
table's columns, standardised, as one row a window ([n, 1, columns]).

**Anything else** takes `Estimator` (or `Tabular`, which reads a table of columns) and writes `fit(dataset, *, seed)`, which
returns an object with `parameters`, `predict(contexts)` and `to_onnx()` (see `Fitted`). It fits on the training part alone; what
the validation part decides, such as a penalty, it reports as `found`, and `settled(found)` returns the recipe with that fixed.

**What depends on the task** (context and horizon) is refused in `require_task`, before anything is queued: call `super()` first,
then `self.refuse("what is wrong; what to change")`. Variables that a station may lack stand in `variables`, libraries that a
machine may lack are asked for in `require_libraries`.

**The rules** are the tests of `tests/architectures/test_conformance.py`; every recipe passes them all, and their names say them.
Run `pytest tests/architectures/test_conformance.py -k my_recipe`. A model is trained anew when its own file changes, or
what that imports (`tsflow.architectures.source`).
"""
