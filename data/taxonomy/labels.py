"""One spelling for labels that mean the same: the key on which labels are compared and joined."""

import re
import unicodedata
from functools import lru_cache

# Nothing decomposes these letters, and Dutch labels borrow them.
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ł": "l", "ı": "i", "þ": "th"})
_DROPPED = ("Mn", "Mc", "Me", "Cf")  # accents by themselves; marks that nobody sees, such as the soft hyphen
_APOSTROPHES = re.compile("['’‘`´ʼ]")
_LETTERS_OF_GENDER = re.compile(
    r"\(?(?<!\w)(?:[mvwfxd]\.?(?:\s*[/|]\s*[mvwfxd]\.?)+|man\s*/\s*vrouw|vrouw\s*/\s*man)(?!\w)\)?"
)
_SEPARATORS = re.compile(r"[^\w+#]+|_+")
_LOOSE_SIGNS = re.compile(r"(?<!\S)[+#]+")


@lru_cache(maxsize=1 << 16)
def normalise(label: str) -> str:
    """Fold a label to the key on which labels are compared; folding twice changes nothing.

    Case and accents go ("Café-eigenaar" -> "cafe eigenaar"), so do marks of gender ("(m/v)", "m/v/x",
    "(man/vrouw)") and apostrophes ("foto's" -> "fotos"); all other punctuation becomes one space. A + or #
    that follows a letter stays, because C, C++ and C# are three things. May return "".
    """
    text = label.casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
        text = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in text if unicodedata.category(letter) not in _DROPPED)
    text = _LETTERS_OF_GENDER.sub(_without_gender, text)
    text = _APOSTROPHES.sub("", text)
    text = _SEPARATORS.sub(" ", text)
    return " ".join(_LOOSE_SIGNS.sub(" ", text).split())


def _without_gender(found: re.Match[str]) -> str:
    # "v/d" is "van de", so both sexes have to be there.
    letters = set(found[0])
    return " " if "m" in letters and letters & set("vwf") else found[0]
