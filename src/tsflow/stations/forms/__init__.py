'''How a station's files read: one file of this folder for each kind of form.

To add a kind, write one file in this folder with a class that is registered under the name that a station file gives as `kind`:

    @register("fixed_width")
    class FixedWidth(Form):
        """Columns by their place in the line."""

        endings = (".prn",)  # of the names of such files, in a zip

        widths: list[int]

        def read(self, file: RawFile, station: Station) -> Table: ...

        def require_columns(self, file: RawFile, station: Station) -> None: ...

Its fields are the keys of `form:` in the station file. `parquet.py` is a whole one, `toa5.py` one that differs from another by
what it takes for granted.
'''

from tsflow.stations.forms.registry import AnyForm, Form, Table, default, kinds, register

__all__ = ["AnyForm", "Form", "Table", "default", "kinds", "register"]
