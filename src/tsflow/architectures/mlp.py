"""A multilayer perceptron on a table of columns: what ridge and trees read, bent by layers that learn the way to the horizon."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from tsflow.architectures.network import Dropout, Network, Series, Width
from tsflow.architectures.registry import register
from tsflow.architectures.table_reading import TableReading
from tsflow.architectures.tabular import Tabled
from tsflow.windows.dataset import Dataset


@register("mlp")
class MultilayerPerceptron(Tabled, Network):
    """Dense layers on the columns, with `skip` beside a linear model of them.

    ::

        columns -+-> dropout -> (Dense -> dropout) x layers -+-> head
                 +------------------ skip -------------------+

    A table leaves little to compute, so that it learns all history in the time that a network of hours takes for a part of it. What
    makes it as good as ridge and trees are the leads of its recipe: without them it is 0.02 degC worse.

    References
    ----------
    Gorishniy et al. (2021), Revisiting deep learning models for tabular data, NeurIPS 34: a tuned one is a strong baseline.
    """

    learns_all_history: ClassVar[bool] = True

    width: Width = 256
    depth: Annotated[int, Field(ge=1, le=12)] = 2  # hidden layers
    input_dropout: Dropout = 0.0  # of columns
    dropout: Dropout = 0.0  # after each hidden layer
    skip: bool = False  # the head reads the columns, too
    clip: Annotated[float, Field(gt=0)] = 4.0  # deviations; a column beyond counts as that far

    def reading(self, dataset: Dataset) -> TableReading:
        """Return the table's columns, one row a window.

        Raises
        ------
        SettingsError
            If the station lacks a channel's variable.
        """
        return TableReading.fit(self, dataset, clip=self.clip)

    def layers(self, series: Series, *, dropout: bool) -> Any:
        """Dense layers, and with `skip` the columns beside them."""
        from keras import layers

        columns = x = layers.Flatten()(series.x)
        if dropout and self.input_dropout:
            x = layers.Dropout(self.input_dropout)(x)
        for _ in range(self.depth):
            x = layers.Dense(self.width, activation=self.activation, kernel_initializer=self.initialiser)(x)
            if self.batch_normalisation:
                x = layers.BatchNormalization()(x)
            if dropout and self.dropout:
                x = layers.Dropout(self.dropout)(x)
        return layers.Concatenate()([x, columns]) if self.skip else x

    @property
    def epoch_effort(self) -> float:
        """About how many seconds an epoch takes."""
        return 1.3
