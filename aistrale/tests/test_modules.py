"""Scripts that are put together from their modules."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from aistrale.modules import bundled
from aistrale.static_storage import BUNDLES

FILES = {
    "js/main.js": 'import "./a.js";\nimport { one as first, two } from "./lib/b.js";\nconsole.log(first, two());\n',
    "js/a.js": '// Says so.\nimport { one } from "./lib/b.js";\nconsole.log("a", one);\n',
    "js/lib/b.js": "export const one = 1;\nconst two_ = 2;\n/** Two. */\nexport function two() {\n  return two_;\n}\n",
}


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_a_bundle_does_what_its_modules_do(tmp_path: Path) -> None:
    path = tmp_path / "bundle.mjs"
    path.write_text(bundled("js/main.js", FILES.__getitem__))
    assert subprocess.check_output(["node", str(path)], text=True) == "a 1\n1 2\n"


@pytest.mark.parametrize("entry", BUNDLES)
def test_our_own_bundles_import_nothing(entry: str) -> None:
    bundle = bundled(entry, lambda path: (settings.BASE_DIR / "static" / path).read_text())
    assert "import " not in bundle and "\nexport " not in bundle
    modules = re.findall(r"^const (module_\w+) =", bundle, re.MULTILINE)
    assert modules and len(modules) == len(set(modules))
