"""What is where in object storage, from few requests: a listing has a thousand objects, and each look of its own one.

Two things are told apart. A question about many files (`glancing`) is answered from listings that were made while it
is asked, and nothing else is looked at. Any other look believes a listing of the last seconds only where it has the
object: what is not in it may have been written since, and is looked for.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Iterable

from pipeline.storage import objects
from pipeline.storage.glance import glancing, glancing_since
from pipeline.storage.objects import Object
from pipeline.storage.places import RemotePath

# How long an object that was listed is believed to be there, in seconds.
_BELIEVED = 5.0
# So many looks into folders of one tree within so many seconds, and the tree is listed as a whole.
_LOOKS, _SECONDS = 16, 3.0
# A tree of more objects is listed for a question about many of them, but not for single looks.
_MOST_FOR_A_LOOK = 20_000
# Trees in which the same kind of thing lies in many folders.
_TREES, _DEPTHS, _DEEPEST = ("cells", "targets", "measures"), (3, 2), 4


class _Listing:
    """What a tree held when it was listed."""

    def __init__(self, found: Iterable[Object], began: float, *, is_whole: bool) -> None:
        self.objects = {each.place: each for each in found}
        self.began, self.is_whole = began, is_whole
        self.doubtful: set[RemotePath] = set()
        self._folders: dict[RemotePath, tuple[list[Object], set[str]]] | None = None

    def right_in(self, folder: RemotePath, root: RemotePath) -> tuple[list[Object], list[str]]:
        """The objects right in a folder, and the names of the folders in it."""
        if self._folders is None:
            self._folders = defaultdict(lambda: ([], set()))
            for place, each in self.objects.items():
                self._folders[place.parent][0].append(each)
                below = place.parent
                while below != root and below.name not in self._folders[below.parent][1]:
                    self._folders[below.parent][1].add(below.name)
                    below = below.parent
        files, folders = self._folders.get(folder, ([], set()))
        return files, sorted(folders)


class Listings:
    """Answers what is where, with as few requests as there have to be."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._trees: dict[RemotePath, _Listing] = {}
        self._looks: dict[RemotePath, list[float]] = {}
        self._contents: dict[Object, bytes] = {}

    def find(self, place: RemotePath) -> Object | None:
        """An object as the server lists it; None if there is none.

        Raises:
            InputError: if the server does not say.
        """
        with self._lock:
            tree = _tree(place)
            since = glancing_since()
            if since is not None:
                return self._at_a_glance(place, tree, since)
            known = self._trees.get(tree)
            is_believed = known and place not in known.doubtful and time.monotonic() - known.began < _BELIEVED
            return (known.objects.get(place) if known and is_believed else None) or self._looked_for(place, tree)

    def right_in(self, folder: RemotePath) -> tuple[list[Object], list[str]]:
        """The objects right in a folder, and the names of the folders in it.

        Raises:
            InputError: if the server does not say.
        """
        tree = next((each for each in (folder, *folder.parents)[:_DEEPEST] if each.name in _TREES), None)
        since = glancing_since()
        if since is None or tree is None:
            return objects.right_in(folder)
        with self._lock:
            known = self._listing(tree, since)
            return objects.right_in(folder) if known.doubtful else known.right_in(folder, tree)

    def changed(self, places: Iterable[RemotePath]) -> None:
        """Believe no listing about these: this process has written or removed them."""
        with self._lock:
            for place in places:
                if known := self._trees.get(_tree(place)):
                    known.doubtful.add(place)

    def forget(self) -> None:
        """Believe nothing that was listed."""
        with self._lock:
            self._trees.clear()

    def prefetch(self, places: Iterable[RemotePath]) -> None:
        """Read many small objects at a time, for those who read them one by one soon after."""
        with self._lock, glancing():
            found = {place: seen for place in places if (seen := self.find(place)) and seen not in self._contents}
            contents = objects.read_all(found)
            self._contents = {found[place]: content for place, content in contents.items()}

    def prefetched(self, place: RemotePath) -> bytes | None:
        """What was read ahead of an object, once; None if nothing was, or there is another by now."""
        with self._lock:
            if not self._contents:
                return None
            seen = self.find(place)
            return self._contents.pop(seen, None) if seen else None

    def _at_a_glance(self, place: RemotePath, tree: RemotePath, since: float) -> Object | None:
        known = self._listing(tree, since)
        if place in known.doubtful:
            return self._looked_for_itself(place, known)
        return known.objects.get(place)

    def _listing(self, tree: RemotePath, since: float) -> _Listing:
        """The listing of a tree that was made for the question that is being asked."""
        known = self._trees.get(tree)
        return self._listed(tree) if known is None or known.began < since or not known.is_whole else known

    def _looked_for(self, place: RemotePath, tree: RemotePath) -> Object | None:
        now = time.monotonic()
        looks = [at for at in self._looks.get(tree, ()) if now - at < _SECONDS] + [now]
        self._looks[tree] = looks
        if len(looks) > _LOOKS and tree != place.parent:
            self._looks[tree] = []  # before the next time there are as many looks again
            listing = self._listed(tree, most=_MOST_FOR_A_LOOK)
            if listing.is_whole:
                return listing.objects.get(place)
        found, _ = objects.right_in(place.parent)
        listing = _Listing(found, now, is_whole=False)
        known = self._trees.get(tree)
        if known and now - known.began < _BELIEVED:
            known.objects |= listing.objects
            known.doubtful -= listing.objects.keys()
        else:
            self._trees[tree] = listing
        return listing.objects.get(place)

    def _looked_for_itself(self, place: RemotePath, known: _Listing) -> Object | None:
        found = objects.head(place)
        known.doubtful.discard(place)
        known.objects.pop(place, None)
        if found:
            known.objects[place] = found
        return found

    def _listed(self, tree: RemotePath, most: int | None = None) -> _Listing:
        began = time.monotonic()
        found = list(itertools.islice(objects.below(tree), most and most + 1))
        listing = _Listing(found, began, is_whole=most is None or len(found) <= most)
        self._trees[tree] = listing
        return listing


def _tree(place: RemotePath) -> RemotePath:
    """The folder that is listed as a whole when something in it is looked for often."""
    above = place.parents
    for depth in _DEPTHS:
        if len(above) > depth + 1 and above[depth].name in _TREES:
            return above[depth]
    for folder in above:
        if folder.parent.name in ("reports", "papers", "nights"):
            return folder
    return place.parent


#: Those of this process. A forked one goes on with what its parent knew.
listings = Listings()
