"""Every hostile file but the drawings."""

from tests.corpus.containers import BOXES, ELEMENTS
from tests.corpus.costly import COSTLY
from tests.corpus.pictures import DIMENSIONS, LIES, PDFS
from tests.corpus.polyglots import OTHER_TYPES, POLYGLOTS

HOSTILE = [*POLYGLOTS, *OTHER_TYPES, *DIMENSIONS, *LIES, *PDFS, *BOXES, *ELEMENTS, *COSTLY]
