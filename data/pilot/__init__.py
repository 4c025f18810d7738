"""An invented labour market in a real Dutch region: profiles and vacancies in the VUM standard, any number of
them, for demonstrations, benchmarks and trying out.
"""

from data.pilot.files import write_pilot
from data.pilot.profiles import generate_profiles
from data.pilot.region import Region, read_region, regions
from data.pilot.vacancies import generate_vacancies

__all__ = ["Region", "generate_profiles", "generate_vacancies", "read_region", "regions", "write_pilot"]
