"""The champion's recipe as an entrant of the next run, trained on the same rows as those who want to take its place."""

from dataclasses import dataclass

from tsflow.architectures.ensembles import Ensemble
from tsflow.architectures.pinned import recipe_of
from tsflow.architectures.registry import Architecture, load_architecture
from tsflow.champion.history import History
from tsflow.errors import IntegrityError, SettingsError
from tsflow.folders import names_in
from tsflow.records.decision import Reigning
from tsflow.records.store import Records

_PREFIX = "reigning_"


@dataclass(frozen=True)
class Entrants:
    """The recipes of a run by the names they have on its board, and the champion's among them."""

    recipes: dict[str, Architecture]
    reigning: Reigning | None


def with_reigning(records: Records, station: str, task: str, names: tuple[str, ...]) -> Entrants:
    """Return the recipes of the entrants that were chosen, and with them the champion's and, of an ensemble, its members'.

    The champion's recipe bears the name of its file, unless the file says something else by now: then `reigning_` comes before it.
    """
    chosen = {name: load_architecture(name) for name in names}
    standing = History(records, station, task).standing()
    if standing.pointer is None:
        return Entrants(chosen, None)
    found = Reigning(version=standing.pointer.version, sequence=standing.pointer.sequence, entrant=None)
    try:
        manifest = History(records, station, task).manifest(standing.pointer)
        recipe = recipe_of(manifest.settings)
    except (SettingsError, IntegrityError) as problem:
        return Entrants(chosen, found.changed(problem=str(problem)))
    name, further = _named(recipe)
    recipes = {**chosen, name: further}
    if isinstance(further, Ensemble):
        recipes |= {member: load_architecture(member) for member in _members(manifest.metrics.weights) if member not in recipes}
    ordered = dict(sorted(recipes.items(), key=lambda item: isinstance(item[1], Ensemble)))  # ensembles last, else as they were
    return Entrants(ordered, found.changed(entrant=name))


def _named(recipe: Architecture) -> tuple[str, Architecture]:
    name = recipe.architecture
    if name in names_in("architectures"):
        try:
            present = load_architecture(name)
        except SettingsError:
            present = None
        if present is None or present.identity() != recipe.identity():
            name = _PREFIX + name.removeprefix(_PREFIX)
        else:
            recipe = present
    return name, recipe.changed(architecture=name)


def _members(weights: dict[str, float]) -> list[str]:
    return [name for name in weights if name in names_in("architectures")]
