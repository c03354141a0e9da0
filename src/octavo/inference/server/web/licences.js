/** Licences by their SPDX ids. */

import { outward } from "./element.js";

const PUBLIC_DOMAIN = /^LicenseRef-(Public-Domain|PDM-1\.0)$/;
const CREATIVE_COMMONS = /^CC-BY(-NC)?(-SA|-ND)?-(1\.0|2\.0|2\.5|3\.0|4\.0)$/;
/** Other ids that open documents have; SPDX has a page for each. */
const OTHERS = new Set(
  (
    "CC0-1.0 CC-PDDC PDDL-1.0 ODC-By-1.0 ODbL-1.0 etalab-2.0 OGL-UK-3.0 OGL-UK-2.0 OGL-UK-1.0 OGL-Canada-2.0 " +
    "NLOD-2.0 NLOD-1.0 LAL-1.3 LAL-1.2 DL-DE-BY-2.0 DL-DE-ZERO-2.0 Apache-2.0 MIT BSD-2-Clause BSD-3-Clause 0BSD " +
    "ISC Unlicense MPL-2.0 EUPL-1.2 GFDL-1.1-or-later GFDL-1.2-or-later GFDL-1.3-or-later GFDL-1.3-only " +
    "GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later LGPL-2.1-or-later LGPL-3.0-or-later " +
    "AGPL-3.0-or-later"
  ).split(" "),
);

/** An id as a person reads it. */
export const spoken = (id) => (PUBLIC_DOMAIN.test(id) ? "Public domain" : id.replace(/^LicenseRef-/, ""));

/** A licence expression as text, each id that SPDX knows a link to its page. */
export function licence(expression) {
  return expression
    .split(/(\s+|[()])/)
    .map((word) =>
      OTHERS.has(word) || CREATIVE_COMMONS.test(word)
        ? outward(`https://spdx.org/licenses/${word}.html`, word)
        : spoken(word),
    );
}
