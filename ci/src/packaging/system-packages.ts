import type { Project } from "../project/project.js";

/** A package of the Python Package Index, and the Debian packages without which its wheel does not work or cannot be built. */
type Need = [python: RegExp, debian: string[]];

/** Names of Debian 12. Libraries that compiled modules are linked to are found when they are built. */
const needs: Need[] = [
  [/^python-magic$/, ["libmagic1"]],
  [/^(weasyprint|django-weasyprint)$/, ["libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"]],
  [/^(cairosvg|cairocffi)$/, ["libcairo2"]],
  [/^(pycairo|xhtml2pdf|rlpycairo)$/, ["libcairo2-dev", "pkg-config"]],
  [/^(python-ldap|django-auth-ldap)$/, ["libldap2-dev", "libsasl2-dev"]],
  [/^(xmlsec|python3-saml|djangosaml2|pysaml2)$/, ["libxmlsec1-dev", "libxmlsec1-openssl", "xmlsec1"]],
  [/^pytesseract$/, ["tesseract-ocr"]],
  [/^pdf2image$/, ["poppler-utils"]],
  [/^wand$/, ["libmagickwand-6.q16-6"]],
  [/^pyzbar$/, ["libzbar0"]],
  [/^(ffmpeg-python|pydub|django-video-encoding)$/, ["ffmpeg"]],
  [/^opencv-(contrib-)?python$/, ["libgl1", "libglib2.0-0"]],
  [/^soundfile$/, ["libsndfile1"]],
  [/^pygraphviz$/, ["graphviz", "libgraphviz-dev"]],
  [/^(gdal|django-leaflet|djangorestframework-gis)$/, ["gdal-bin", "libgdal-dev"]],
  [/^(pypandoc|pandoc)$/, ["pandoc"]],
  [/^(gitpython|dulwich)$/, ["git"]],
  [/^pyodbc$/, ["unixodbc-dev"]],
];

/** The Debian packages of a project: those that its Python packages are known to need, and those of stackline.json. */
export function systemPackages({
  pythonPackages,
  packages,
  extras,
}: Pick<Project, "pythonPackages" | "packages" | "extras">): string[] {
  const names = Object.keys(pythonPackages);
  const known = needs.filter(([pattern]) => names.some((name) => pattern.test(name)));
  // psycopg loads libpq when it is imported, unless a wheel brings it.
  const bringsLibpq =
    (extras.psycopg ?? []).some((extra) => extra === "binary") || names.includes("psycopg-binary");
  const libpq = names.includes("psycopg") && !bringsLibpq ? ["libpq5"] : [];
  return [
    ...new Set([...known.flatMap(([, debian]) => debian), ...libpq, ...packages.map(({ value }) => value)]),
  ];
}
