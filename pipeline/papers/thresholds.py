"""From where on a number counts as what; a claim may have one of its own. They are shown with every number."""

from __future__ import annotations

#: Of scores, of style left and of content lost, which are 0 to about 1 between a picture left alone and an ideal one:
#: less than this is no difference, and this much is close.
CLEAR, CLOSE = 0.05, 0.15
#: Of style left 1 is none gained, of content lost 1 is as far as the style picture. Nearer to it than what is clear,
#: or above, counts as all of that; farther below it than what is close does not.
NONE, SOME = 1 - CLEAR, 1 - CLOSE
#: A spread of luma below this is flat: nothing of either picture is in it.
FLAT = 8.0
#: A coarse correlation with the content from which on its structure is there at all, and from which on it is kept.
SOME_LIKENESS, LIKE = 0.3, 0.7
#: A share of the content's fine structure below which a picture is blurred, and above which it is not; and one below
#: which chance alone may have put it there.
BLURRED, SHARP, HARDLY_ANY = 0.5, 0.8, 0.1
#: So many times as rough as both pictures it is made of, and a picture is noise.
ROUGH = 1.5
#: Of 255 levels, root mean square: what two pictures side by side do not show, and what they do.
INVISIBLE, VISIBLE = 3.0, 10.0
#: Of ratios: this much more or less is a difference, and this much is a trend.
MORE, LESS = 1.1, 0.9
#: Of rank correlations. Four or five numbers in any order come to it once in 6 or 15 times.
TREND = 0.8
