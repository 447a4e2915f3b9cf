// Copyright (c) 2026, The imageops.registry authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Writes table.json: what npm's package semver says of many ranges and versions. The test needs neither node nor npm.
//
//     npm install --no-save --prefix "$(mktemp -d)" semver      # by name; then, with that directory's node_modules:
//     NODE_PATH=<directory>/node_modules node make_table.js > table.json

"use strict";

const semver = require("semver");

const VERSIONS = [
  "0.0.0-0", "0.0.0", "0.0.1-alpha", "0.0.1", "0.0.2", "0.1.0-0", "0.1.0", "0.1.1", "0.2.0", "0.2.3", "0.2.4-beta",
  "0.3.0", "1.0.0-0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
  "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.1.0", "1.2.0-0", "1.2.0", "1.2.2", "1.2.3-alpha.3",
  "1.2.3-alpha.7", "1.2.3-beta.2", "1.2.3-beta.4", "1.2.3", "1.2.4-beta.2", "1.2.4", "1.2.9", "1.3.0-0", "1.3.0-alpine",
  "1.3.0", "1.10.0", "1.27.0", "1.27.3-alpine", "1.27.3", "1.99.99", "2.0.0-0", "2.0.0-rc.1", "2.0.0", "2.1.2", "2.3.4",
  "2.3.5", "2.5.0-beta", "2.5.0", "3.0.0", "3.4.5-alpha.7", "3.4.5-alpha.9", "3.4.5", "4.6.3-alpha.1", "4.6.3",
  "5.0.0", "6.9.9", "7.2.3", "7.2.4", "10.0.0", "16.20.2", "20.0.0-x.7.z.92", "2024.1.15",
];

const WRITTEN = [
  "", " ", "*", "x", "X", "x.x.x", "*.*", "v*", "||", "|| 1.2.3", "1", "1.2", "1.2.3", "=1.2.3", "v1.2.3", "=v1.2.3",
  "= 1.2.3", "1.x", "1.X.x", "1.*", "1.2.x", "1.2.*", "1.x.3", "x.2.3", "1.2.x-alpha", "1.2.3-beta.2", "1.2.3+build",
  "1.2.3-beta.2+build.5", ">1", ">1.2", ">1.2.3", ">=1", ">=1.2", ">=1.2.3", "<1", "<1.2", "<1.2.3", "<=1", "<=1.2",
  "<=1.2.3", ">= 1.2.3", "> 1.2.3", "<  2.0.0", "<=\t2.0.0", ">x", "<x", ">=x", "<=x", "=x", ">*", "<*", ">=*", "<0",
  "<0.0.0", "<0.0.0-0", ">=0.0.0", ">=0.0.0-0", ">1.2.3-alpha.3", ">=1.2.3-beta.2", "<1.2.3-beta.4", "<=1.2.3-beta.4",
  ">=1.2.3-0", ">1.2.3 <2", ">=1.2.7 <1.3.0", "1.2.7 || >=1.2.9 <2.0.0", ">=1.2.3-alpha.7 <1.2.4", "<2.0.0-rc.1",
  "~1", "~1.2", "~1.2.3", "~0", "~0.2", "~0.2.3", "~1.2.3-beta.2", "~0.0.1", "~ 1.2.3", "~>1.2.3", "~> 1.2", "~x",
  "~1.x", "~1.2.x", "~v1.2.3", "~=1.2.3", "^1", "^1.2", "^1.2.3", "^0", "^0.0", "^0.2", "^0.0.1", "^0.2.3", "^0.0.0",
  "^1.2.3-beta.2", "^0.0.1-alpha", "^1.2.x", "^0.0.x", "^0.x", "^1.x", "^x", "^ 1.2.3", "^v1.2.3", "^2.0.0-rc.1",
  "1.2.3 - 2.3.4", "1.2 - 2.3.4", "1.2.3 - 2.3", "1.2.3 - 2", "1 - 2", "0.0.0 - 1.0.0-beta", "1.0.0-alpha - 1.0.0",
  "x - 2", "1 - x", "* - *", "1.2.3  -  2.3.4", "v1.2 - v2.3", "1.2.3-2.3.4", "1.2.3 -2.3.4", "1.2.x - 2.3.x",
  "<1.2 <1.3", ">=1.2 >1.0", "1.2.x || >=2.5.0 || 5.0.0 - 7.2.3", "1.2.3||2.3.4", "^1.2 ^1", "~1.2 || ~2.3",
  "1.2.3 2.3.4", "* >1", "^1 *", ">=1.0.0-alpha.1 <1.0.0-rc.1", "2024.1.15", "^2024", "1.27", "~1.27", ">=1.27 <2",
  "> =1.2.3", "< =1", "~ =1.2.3", "~ >1.2", "~> >1.2", "^ =1.2.3", "==1.2", ">=vv1.2", "^vv1.2.3", "v 1 - 2", "1.2+build",
  "^1+b.5", "1.2.3 +b <2", "1.2.3 - v2.0.0-rc.1", "1.2.3 - =2.0.0-rc.1", "1.2.3\u00a0-\t2", "1.2.3\n||\n2.x", "^0.0.0",
  "* || 1.2.3-beta.2", ">=0.0.0 || 1.2.3-beta.2", "|| 2.0.0-rc.1", ">=0.0.0 <=0.0.0-0", "<0.0.0-0 || 1.2.3-beta.4",
  ">=0.0.0-0 || 1.2.3-beta.2", "1.x || >=2.5.0-beta <3", "^9007199254740990", "0.0.9007199254740990 - 1",
  "1.2.3-alpha.3 1.2.3-alpha.3", "^1.x.9007199254740993", "1.2.0 || 1.2.1 || 1.2.2 || 1.2.3 || 1.2.4 || 1.2.5 || 1.2.6 || " +
  Array.from({ length: 40 }, (_, minor) => `1.${minor}.x`).join(" || "),
  // Nothing that npm takes:
  "v 1.2.3", "=v 1", "== 1", "==1.2.3", ">=vv1.2.3", "> = 1", "~> = 1", "^>1", "=1.2.3 - 2", "v 1.2.3 - 2", "1 - =2.0.0",
  "^9007199254740991", "1.2.9007199254740992", "1 - 9007199254740991", ">1.9007199254740991", "1.27*",
  "latest", "abc", "1.2.3.4", "01.2.3", "1.02.3", "1.2.03", "1.2.3-01", "^", "~", ">", "<=", "1.2.3 foo", ">=1.2 &&<2",
  "1.2.3,1.2.4", ">>1", "=>1.2", "^^1", "1..2", "1.2.", ".1", "1.2.3-", "1.2.3-a..b", "1-alpha", "1.2-alpha", "vv", "^latest",
  "1 - 2 - 3", "-1", "1.2.3 -", "- 1.2.3", "1.2.3_build", "!1.2.3", "(1.2.3)", "[1.0,2.0)", "1.2.3 | 1.2.4",
];

// Ranges put together at random, always the same ones.
let state = 20260101;
function below(count) {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return Math.floor((state / 0x80000000) * count);
}
const pick = (list) => list[below(list.length)];
const number = () => pick(["0", "0", "1", "1", "2", "3", "x", "*", "5", "27"]);
const PRE = ["", "", "", "", "-alpha", "-beta.2", "-0", "-rc.1", "-alpha.3+b"];
const partial = () => pick(["", "", "", "v"]) + [number(), number(), number()].slice(0, 1 + below(3)).join(".");
const version = () => {
  const text = partial();
  return text.split(".").length === 3 ? text + pick(PRE) : text;
};
const term = () => pick(["", "", ">", ">=", "<", "<=", "=", "^", "~", "^", "~", "~> ", ">= "]) + version();
const set = () => (below(6) === 0 ? `${version()} - ${version()}` : [term(), term(), term()].slice(0, 1 + below(2)).join(" "));
const random = () => [set(), set()].slice(0, 1 + (below(4) === 0 ? 1 : 0)).join(pick(["||", " || "]));

const ranges = [...new Set([...WRITTEN, ...Array.from({ length: 500 }, random)])];
const rows = ranges.map((range) => {
  const parsed = semver.validRange(range) === null ? null : new semver.Range(range);
  return [range, parsed && VERSIONS.map((version) => (parsed.test(version) ? "x" : ".")).join("")];
});

const ordered = [...VERSIONS].sort(semver.compare);
const lines = [
  "{",
  ` "semver": ${JSON.stringify(require("semver/package.json").version)},`,
  ` "versions": ${JSON.stringify(ordered.length === VERSIONS.length ? VERSIONS : null)},`,
  ` "ordered": ${JSON.stringify(ordered)},`,
  ' "ranges": [',
  rows.map((row) => `  ${JSON.stringify(row)}`).join(",\n"),
  " ]",
  "}",
];
console.log(lines.join("\n"));
