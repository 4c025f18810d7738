"""An invented labour market in real Dutch regions: profiles and vacancies in the VUM standard, any number of
them, whose they are, and how well they suit each other, for demonstrations, benchmarks and trying out.
"""

from data.pilot.files import Pilot, write_by_organisation, write_pilot, write_truth
from data.pilot.organisations import Organisation, by_organisation, organisation_of, organisations
from data.pilot.profiles import generate_profiles
from data.pilot.region import Region, read_region, regions
from data.pilot.truth import generate_truth
from data.pilot.vacancies import generate_vacancies

__all__ = [
    "Organisation",
    "Pilot",
    "Region",
    "by_organisation",
    "generate_profiles",
    "generate_truth",
    "generate_vacancies",
    "organisation_of",
    "organisations",
    "read_region",
    "regions",
    "write_by_organisation",
    "write_pilot",
    "write_truth",
]
