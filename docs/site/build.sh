#!/usr/bin/env bash
# Builds the static site of README.md, docs/ and the other pages in build/docs/site, and checks every
# link in it. Links to the outside are not followed: build/docs/external.txt lists them.
# An environment with docs/tests/requirements.txt is made in build/venvs/docs, unless DOCS_PYTHON
# names one. Graphviz draws the pictures.
set -euo pipefail
[[ $# == 0 ]] || {
  echo "docs: build.sh takes no arguments; DOCS_OUTPUT and DOCS_PYTHON are its settings" >&2
  exit 2
}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=${DOCS_OUTPUT:-$root/build/docs}
python=${DOCS_PYTHON:-$root/build/venvs/docs/bin/python}
cd "$root"

command -v dot >/dev/null || {
  echo "docs: Graphviz is missing: apt-get install -y --no-install-recommends graphviz" >&2
  exit 2
}
if [[ -z ${DOCS_PYTHON:-} ]]; then
  [[ -x $python ]] || python3 -m venv build/venvs/docs
  "$python" -m pip install --disable-pip-version-check --quiet -r docs/tests/requirements.txt
fi

# The pages with what they link to, in the folders where they are: links then mean the same in the
# repository and in the site.
rm -rf "$out"
mkdir -p "$out/source"
git ls-files --cached --others --exclude-standard -- '*.md' docs/site/extra.css packaging/example |
  sort -u | while read -r page; do
  [[ -f $page ]] || continue
  cp --parents "$page" "$out/source"
  [[ $page == *.md ]] || continue
  { grep -oP '\]\(\K[^)#:\s]+' "$page" || true; } | while read -r link; do
    file=$(realpath -m --relative-to=. "$(dirname "$page")/$link")
    if [[ -f $file ]]; then cp --parents "$file" "$out/source"; fi
  done
done

# Material's advertisement for its successor is no warning about these pages.
export DOCS_SOURCE=$out/source PYTHONPATH=$root/docs/site PYTHONDONTWRITEBYTECODE=1 NO_MKDOCS_2_WARNING=1
"$python" -m mkdocs build --strict --config-file mkdocs.yml --site-dir "$out/site" \
  >"$out/mkdocs.log" 2>&1 || {
  grep -v '^INFO' "$out/mkdocs.log" >&2
  exit 1
}
"$python" docs/site/check_links.py "$out/site" >"$out/external.txt"
echo "built: $out/site"
