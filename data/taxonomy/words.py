"""Dutch words of job titles: which mean the same, which are abbreviations, which say little.

Facts of the language, written down by hand: a title that says "lerares" or "mdw" has to find "docent" or
"medewerker". The list steers a search only; no labels are joined on it.
"""

from functools import lru_cache

_SAME = """
docent leraar lerares leerkracht onderwijzer onderwijzeres schoolmeester meester juf teacher
verkoopmedewerker verkoper verkoopster winkelmedewerker winkelbediende
verkoopspecialist verkoopadviseur
hoofd chef leidinggevende leidinggevend
bedrijfsleider ondernemer shopmanager storemanager filiaalmanager filiaalleider winkelmanager
developer programmeur ontwikkelaar
projectleider projectmanager
chauffeur bestuurder rijder driver
vrachtwagen vrachtauto truck
heftruck vorkheftruck forklift
database databank gegevensbank
voorman voorpersoon ploegbaas
vertegenwoordiger representative
adviseur consultant raadgever
engineer ingenieur
voeding food voedingsmiddelen voedingsmiddelenindustrie levensmiddelen
landbouw agrarisch agrarische
pedagogisch opvoedkundig opvoedkundige
schoonmaker reiniger cleaner
praktijkopleider bedrijfsmentor bedrijfsleermeester leermeester praktijkbegeleider
inkoop purchasing buying procurement
inkoper buyer purchaser
verkoop sales
personeel personeelszaken hr hrm
onderzoeker research researcher
magazijn warehouse loods
filosofie wijsbegeerte
scheikunde chemie
theologie godsdienst religie godsdienstwetenschappen
scheikundige chemicus
mbo middelbaar
hbo hoger wo
ict it automatisering
1e eerste eerstegraads 1ste
2e tweede tweedegraads 2de
3e derde derdegraads 3de
medewerker mdw medew medewerkster medw employe
assistent ass asst assistente
administratief adm administratieve admin
manager mgr
verpleegkundige verpl verpleger verpleegster verpleegk
senior sr
junior jr
elektrotechniek elektrotechnisch elektrotechnische e
werktuigbouwkunde werktuigbouw werktuigbouwkundig werktuigbouwkundige w wtb
technisch technische techn tech
algemeen algemene alg
commercieel commerciele comm
financieel financiele fin
medisch medische med
bouwkundig bouwkundige
logistiek logistieke log
zelfstandig zelfstandige zelfst
coordinator coordinatrice coord
productie prod
operatie ok
kapper kapster haarstylist hairstylist
beveiliger bewaker security
ober kelner serveerster
huismeester concierge
schrijver auteur schrijfster
copywriter tekstschrijver
predikant dominee
apotheker farmaceut
jurist rechtsgeleerde
advocaat procureur strafpleiter raadsman
verloskundige vroedvrouw
steigerbouwer scaffolder
recruiter talentscout
gevangenisbewaarder cipier
cabaretier kleinkunstenaar
choreograaf dansmaker
elektricien elektromonteur
fotojournalist persfotograaf fotoreporter
orderpicker orderverzamelaar
kassamedewerker kassiere caissiere
tractor trekker
anesthesie narcose
keurmeester controleur
analist laborant
klusjesman handyman klusser
natuurkunde fysica
natuurkundig fysisch
sterrenkunde astronomie
sterrenkundige astronoom
antropologie volkenkunde etnologie
antropoloog volkenkundige etnoloog
geschiedenis historie
belasting fiscaal fiscale
teamleider supervisor
monteur mecanicien mecano reparateur
videojockey vj
diskjockey dj
arts dokter geneesheer
officier beroepsofficier
onderofficier beroepsonderofficier
instructeur trainer
gww civieltechnisch
gezondheidszorg gz
kleding mode
autos automotive
theologie religiestudies
economie economisch economische
logopedist spraaktherapeut
fysiotherapeut kinesist kinesitherapeut
dietist voedingsdeskundige
loodgieter sanitairmonteur
stratenmaker straatmaker
koerier bezorger
hulpkok keukenhulp
boekhouder accountantsmedewerker
makelaar vastgoedmakelaar
huisarts huisdokter
kleuterjuf kleuterleerkracht
pedicure voetverzorger voetverzorgende
lasser welder
timmerman carpenter
kok cook
schilder painter
soldaat militair beroepsmilitair
"""

_PHRASES = {
    "onderzoeken publiceren": "wetenschappelijk onderzoeker",
    "spoedeisende hulp": "seh",
    "grond weg en waterbouw": "gww",
    "weg en waterbouw": "gww",
    "civiele techniek": "gww",
    "medisch specialist": "arts",
    "business intelligence": "bi",
    "intensive care": "ic",
    "food and beverage": "f b",
    "customer service": "klantenservice",
    "customer care": "klantenservice",
    "inside sales": "commercieel binnendienst",
    "civiele dienst": "facilitaire dienst",
    "lichamelijke opvoeding": "gym",
    "lichamelijke oefening": "gym",
    "air traffic controller": "luchtverkeersleider",
    "human resources": "personeel",
    "verzorgende individuele gezondheidszorg": "verzorgende ig",
    "information technology": "ict",
}
_ENDINGS = (
    ("persoon", "man"),
    ("vrouw", "man"),
    ("medewerkster", "medewerker"),
    ("chauffeuse", "chauffeur"),
    ("trice", "teur"),
    ("euse", "eur"),
    ("ontwikkelaar", "developer"),
    ("programmeur", "developer"),
    ("dokter", "arts"),
    ("ische", "isch"),
    ("iele", "ieel"),
    ("lijke", "lijk"),
)
_ABOUT_THE_JOB = """
gezocht gevraagd vacature baan functie fulltime parttime voltijd deeltijd uur uren per week direct tijdelijk
vast zzp oproepkracht vakantiewerk bijbaan niveau regio omgeving
"""
_SMALL_WORDS = """
en de het een van voor in op te met of aan bij tot der den koninklijk koninklijke junior senior medior ervaren
"""
_NOISE = frozenset(_ABOUT_THE_JOB.split())
_LIGHT = frozenset(_SMALL_WORDS.split())
_HOURS = ("uur", "uren")
_LIGHT_WEIGHT = 0.4

EDUCATION = frozenset({"vmbo", "mbo", "hbo"})
GRADES = frozenset({"1e", "2e", "3e"})

_CANONICAL = {word: same[0] for same in map(str.split, _SAME.splitlines()) for word in same[1:]}


def fold_label(text: str) -> tuple[str, ...]:
    """Return the words of a normalised label, each brought to one form for words that mean the same."""
    for phrase, instead in _PHRASES.items():
        if phrase in text:
            text = f" {text} ".replace(f" {phrase} ", f" {instead} ").strip()
    return tuple(dict.fromkeys(_fold_word(word) for word in text.split()))


def fold_title(text: str) -> tuple[str, ...]:
    """Return the words of a normalised title as `fold_label` does, without what vacancies add to a title."""
    words = text.split()
    kept = [
        word
        for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False)
        if word not in _NOISE and not (word.isdigit() and (before == "niveau" or after in _HOURS))
    ]
    return fold_label(" ".join(kept) or text)


def weight(word: str) -> float:
    """Return how much a folded word counts: 1, or less for words that say little about the work."""
    return _LIGHT_WEIGHT if word in _LIGHT else 1.0


@lru_cache(maxsize=1 << 16)
def _fold_word(word: str) -> str:
    word = _CANONICAL.get(word, word)
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return _CANONICAL.get(word[: -len(ending)] + instead, word[: -len(ending)] + instead)
    # "-ster" after a consonant is the feminine of "-er" ("bezorgster"), but not in "meester" or "register".
    if len(word) > 7 and word.endswith("ster") and word[-5] not in "aeiouys":
        word = word[:-4] + "er"
    return _CANONICAL.get(word, word)
