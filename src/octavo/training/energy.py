"""How much energy a stage took, by codecarbon: an estimate, as no machine here meters its memory."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from octavo.errors import InputError
from octavo.lineage import write_json

os.environ.setdefault("CODECARBON_LOG_LEVEL", "critical")


class EnergyMeter:
    """Reads this machine's energy from `start` on, added to what earlier processes left in `home`/energy.json.

    Work that was lost to a kill is counted with the rest, since it took its energy; at most what was used
    after the last reading is missing.
    """

    def __init__(self, home: Path) -> None:
        from codecarbon import OfflineEmissionsTracker

        self.file = home / "energy.json"
        self.earlier = float(json.loads(self.file.read_text())["joules"]) if self.file.exists() else 0.0
        self.tracker = OfflineEmissionsTracker(
            country_iso_code="FRA",  # it must be given one; no CO2eq is taken from it
            measure_power_secs=10,
            save_to_file=False,
            log_level="critical",
            allow_multiple_runs=True,
        )

    def start(self) -> None:
        """Begin."""
        self.tracker.start()

    def joules(self) -> float:
        """Energy so far, in joules, of all processes."""
        self.tracker.flush()
        return self._keep()

    def stop(self) -> dict[str, Any]:
        """End, and return the joules of all processes and how they were found."""
        self.tracker.stop()
        modes = {str(mode) for part in self.tracker._hardware if (mode := getattr(part, "_mode", None))}
        return {
            "joules": self._keep(),
            "method": f"estimated by codecarbon (processor: {', '.join(sorted(modes)) or 'constant'})",
        }

    def _keep(self) -> float:
        joules = round(self.earlier + float(self.tracker._total_energy.kWh) * 3.6e6, 1)
        write_json(self.file, {"joules": joules})
        return joules


def co2eq_grams(joules: float, country: str) -> float:
    """Grams of CO2eq of electricity in a country (ISO 3166-1 alpha-3), by codecarbon's table of energy mixes.

    Raises InputError for a country that is not in the table.
    """
    from codecarbon.core.emissions import Emissions
    from codecarbon.core.units import Energy
    from codecarbon.external.geography import GeoMetadata
    from codecarbon.input import DataSource

    source = DataSource()  # type: ignore[no-untyped-call]
    if country not in source.get_global_energy_mix_data():
        raise InputError(f"provider.country: found {country!r}, expected an ISO 3166-1 alpha-3 code, such as FRA")
    energy = Energy.from_energy(kWh=joules / 3.6e6)
    return 1000 * Emissions(source).get_country_emissions(energy, GeoMetadata(country_iso_code=country))
