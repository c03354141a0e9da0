"""How much energy a stage took, by codecarbon: an estimate, as no machine here meters its memory."""

from __future__ import annotations

import os
from typing import Any


class EnergyMeter:
    """Reads this machine's energy from `start` on."""

    def __init__(self, country: str | None) -> None:
        os.environ.setdefault("CODECARBON_LOG_LEVEL", "critical")
        from codecarbon import OfflineEmissionsTracker

        self.country = country
        self.tracker = OfflineEmissionsTracker(
            country_iso_code=country or "FRA",  # it must be given one; no CO2eq is told of it
            measure_power_secs=10,
            save_to_file=False,
            log_level="critical",
            allow_multiple_runs=True,
        )

    def start(self) -> None:
        """Begin."""
        self.tracker.start()

    def joules(self) -> float:
        """Energy so far, in joules."""
        self.tracker.flush()
        return round(float(self.tracker._total_energy.kWh) * 3.6e6, 1)

    def stop(self) -> dict[str, Any]:
        """End, and return joules, method and, where the recipe names the country, grams of CO2eq."""
        kilograms = self.tracker.stop()
        modes = {str(mode) for part in self.tracker._hardware if (mode := getattr(part, "_mode", None))}
        found: dict[str, Any] = {
            "joules": round(float(self.tracker._total_energy.kWh) * 3.6e6, 1),
            "method": f"estimated by codecarbon (processor: {', '.join(sorted(modes)) or 'constant'})",
        }
        if self.country and kilograms is not None:
            found |= {"co2eq_grams": round(1000 * kilograms, 3), "country": self.country}
        return found
