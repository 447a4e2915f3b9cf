# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the report's page that are the same for every run: style, script and the words of each language.

The script writes every value as text, never as markup, so that nothing in a name or a message is executed.
"""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#d9dfe7;--paper:#fff;--panel:#f5f7fa;
--accent:#0b63c4;
--create:#18794e;--update:#0b63c4;--unchanged:#7b8794;--skip:#8a6d00;--failed:#c0262d;--pending:#8a6d00;
--delete:#7a1fa2}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa6b5;--line:#343d4a;--paper:#12161c;
--panel:#1b212a;
--accent:#6cb2ff;--create:#4cc38a;--update:#6cb2ff;--unchanged:#8d99a8;--skip:#e0b93c;--failed:#ff7a7f;
--pending:#e0b93c;
--delete:#d39bf0}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1280px;margin:0 auto;padding:24px}h1{font-size:24px;margin:0 0 4px}
h2{font-size:17px;margin:32px 0 10px}
.state{display:inline-block;padding:2px 10px;border-radius:12px;border:1px solid currentColor;font-weight:600}
.good{color:var(--create)}.bad{color:var(--failed)}.open{color:var(--pending)}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:12px 0}dt{color:var(--soft)}
dd{margin:0;
overflow-wrap:anywhere}.cards{display:flex;flex-wrap:wrap;gap:10px}.card{background:var(--panel);
border:1px solid var(--line);border-radius:8px;padding:8px 16px;min-width:96px}
.card b{display:block;font-size:22px}.card span{color:var(--soft)}
svg{display:block}svg text{fill:var(--ink);font:12px system-ui,sans-serif}
svg .soft{fill:var(--soft)}
.tools{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin:8px 0}
input,button{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--line);border-radius:6px;
padding:4px 10px}input{min-width:260px}
button{cursor:pointer}button[aria-pressed=true]{border-color:var(--accent);color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:1px}.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{text-align:left;padding:5px 8px;border-bottom:1px solid
var(--line);vertical-align:top}td.name{overflow-wrap:anywhere;min-width:180px}
td.number{text-align:right;white-space:nowrap}th,td:first-child{white-space:nowrap}
th button{background:none;border:0;padding:0;font-weight:600}
code{font:12px ui-monospace,monospace;overflow-wrap:anywhere}li,.cause{overflow-wrap:anywhere}
.digest{border:0;background:none;padding:0;color:var(--accent)}.why{color:var(--failed);display:block}
.cause{border-left:3px solid var(--failed);padding:2px 12px;margin:10px 0}.soft{color:var(--soft)}
.c-create{color:var(--create)}.c-update{color:var(--update)}.c-unchanged{color:var(--unchanged)}
.c-skip{color:var(--skip)}
.c-failed{color:var(--failed)}.c-pending{color:var(--pending)}.c-delete{color:var(--delete)}
@media print{.tools{display:none}svg{max-width:100%;height:auto}main{max-width:none;padding:0}body{font-size:11px}
#shown{display:none}.scroll{overflow:visible}table{font-size:9px}td.name{min-width:0}td{overflow-wrap:anywhere}
.digest{font-size:0;text-align:left}.digest::after{content:attr(data-whole);font-size:8px}}
@page{size:A4 landscape;margin:12mm}
"""

SCRIPT = """
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const words = data.words, PAGE = 200, UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];
const images = data.images.map(row => Object.fromEntries(row.map((value, place) => [data.keys[place], value])));
const body = document.getElementById('rows'), shown = document.getElementById('shown');
let state = '', text = '', column = '', descending = false, page = 0;
function has(image) {
  image.text = image.text || [image.source, image.destination, image.digest, image.previous, image.why]
    .join(' ').toLowerCase();
  return image.text.includes(text);
}
function size(bytes) {
  let unit = 0;
  while (bytes >= 1000 && unit < 4) { bytes /= 1000; unit += 1; }
  return bytes ? (unit ? bytes.toFixed(1) : bytes) + ' ' + UNITS[unit] : '';
}
function element(tag, content, name) {
  const made = document.createElement(tag);
  if (content !== undefined && content !== null) made.textContent = content;
  if (name) made.className = name;
  return made;
}
function chosen() {
  const found = images.filter(image => (!state || image.state === state) && (!text || has(image)));
  if (!column) return found;
  const sign = descending ? -1 : 1;
  return found.sort((a, b) => sign * (typeof a[column] === 'number' ? a[column] - b[column]
    : String(a[column] || '').localeCompare(String(b[column] || ''), undefined, {numeric: true})));
}
function digest(value) {
  const cell = element('td');
  if (!value) return cell;
  const button = element('button', value.slice(0, 19) + '\\u2026', 'digest');
  button.dataset.whole = value;
  button.title = words.copy + ' ' + value;
  button.type = 'button';
  button.addEventListener('click', () => copy(value, button));
  cell.append(button);
  return cell;
}
function copy(value, button) {
  const said = () => { shown.textContent = words.copied + ' ' + value; };
  if (navigator.clipboard && window.isSecureContext) {
    navigator.clipboard.writeText(value).then(said, () => {});
    return;
  }
  const area = element('textarea', value);
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
  button.focus();
  said();
}
function row(image) {
  const line = element('tr');
  line.append(element('td', words.states[image.state] || image.state, 'c-' + image.state));
  line.append(element('td', image.source, 'name'));
  const where = element('td', image.destination, 'name');
  if (image.why) where.append(element('span', image.why, image.state === 'failed' ? 'why' : 'soft'));
  line.append(where, digest(image.previous), digest(image.digest));
  line.append(element('td', size(image.bytes), 'number'), element('td', image.seconds.toFixed(1), 'number'));
  return line;
}
function draw(all) {
  const found = chosen(), pages = Math.max(1, Math.ceil(found.length / PAGE));
  page = Math.min(page, pages - 1);
  const part = all === true ? found : found.slice(page * PAGE, (page + 1) * PAGE);
  body.replaceChildren(...part.map(row));
  shown.textContent = words.shown.replace('{0}', found.length).replace('{1}', images.length)
    .replace('{2}', page + 1).replace('{3}', pages);
  document.getElementById('back').disabled = page === 0;
  document.getElementById('on').disabled = page === pages - 1;
}
document.getElementById('search').addEventListener('input', event => {
  text = event.target.value.toLowerCase(); page = 0; draw();
});
for (const button of document.querySelectorAll('[data-state]')) button.addEventListener('click', () => {
  state = state === button.dataset.state ? '' : button.dataset.state; page = 0;
  for (const other of document.querySelectorAll('[data-state]'))
    other.setAttribute('aria-pressed', String(other.dataset.state === state));
  draw();
});
for (const button of document.querySelectorAll('[data-column]')) button.addEventListener('click', () => {
  descending = column === button.dataset.column && !descending; column = button.dataset.column;
  for (const other of document.querySelectorAll('[data-column]')) other.closest('th').setAttribute('aria-sort',
    other !== button ? 'none' : descending ? 'descending' : 'ascending');
  draw();
});
document.getElementById('back').addEventListener('click', () => { page -= 1; draw(); });
document.getElementById('on').addEventListener('click', () => { page += 1; draw(); });
window.addEventListener('beforeprint', () => draw(true));
window.addEventListener('afterprint', () => draw());
draw();
"""

_ENGLISH = {
    "title": "Image synchronization",
    "finished": "finished",
    "failed": "failed",
    "interrupted": "interrupted",
    "overdue": "out of time",
    "check": "check mode: nothing was written",
    "who": "run by",
    "when": "time",
    "took": "seconds",
    "play": "play",
    "job": "job",
    "registries": "Registries",
    "asked": "What was asked",
    "shards": "Shards",
    "timeline": "Time",
    "errors": "Errors",
    "todo": "what to do",
    "not_taken": "What was not taken",
    "not_locked": "not in the lock",
    "backup": "backup",
    "removed_backups": "older backups, removed",
    "images": "Images",
    "search": "search",
    "previous": "before",
    "digest": "after",
    "state": "state",
    "source": "source",
    "destination": "destination",
    "bytes": "bytes",
    "seconds": "seconds",
    "requests": "requests",
    "ranges": "ranges",
    "read": "read",
    "written": "written",
    "copy": "copy",
    "copied": "copied:",
    "back": "previous page",
    "on": "next page",
    "shown": "{0} of {1} images, page {2} of {3}",
    "more": "and {0} more",
    "script": "The table of images needs a browser that runs scripts.",
    "waiting": "waiting for",
    "phase plan": "planning",
    "phase copy": "copying",
    "phase retry": "trying again",
    "phase prune": "deleting",
}
_ENGLISH_STATES = {
    "create": "created",
    "update": "updated",
    "unchanged": "unchanged",
    "skip": "skipped",
    "unknown": "unknown",
    "delete": "deleted",
    "failed": "failed",
    "pending": "pending",
}
_CHINESE = {
    "title": "镜像同步报告",
    "finished": "已完成",
    "failed": "有失败",
    "interrupted": "已中断",
    "overdue": "时间已用尽",
    "check": "检查模式：没有写入任何内容",
    "who": "执行者",
    "when": "时间",
    "took": "用时（秒）",
    "play": "Play",
    "job": "作业",
    "registries": "镜像仓库",
    "asked": "同步规则",
    "shards": "分片",
    "timeline": "时间线",
    "errors": "错误",
    "todo": "处理办法",
    "not_taken": "未同步的内容",
    "not_locked": "不在锁文件中",
    "backup": "备份",
    "removed_backups": "已删除的旧备份",
    "images": "镜像",
    "search": "搜索",
    "previous": "之前",
    "digest": "之后",
    "state": "状态",
    "source": "源",
    "destination": "目标",
    "bytes": "字节",
    "seconds": "秒",
    "requests": "请求数",
    "ranges": "分段",
    "read": "读取",
    "written": "写入",
    "copy": "复制",
    "copied": "已复制：",
    "back": "上一页",
    "on": "下一页",
    "shown": "共 {1} 个镜像，显示 {0} 个，第 {2} 页，共 {3} 页",
    "more": "另有 {0} 个",
    "script": "镜像列表需要浏览器启用脚本。",
    "waiting": "等待",
    "phase plan": "制定计划",
    "phase copy": "复制",
    "phase retry": "重试",
    "phase prune": "删除",
}
_CHINESE_STATES = {
    "create": "已新建",
    "update": "已更新",
    "unchanged": "未变化",
    "skip": "已跳过",
    "unknown": "未知",
    "delete": "已删除",
    "failed": "失败",
    "pending": "未完成",
}

LANGUAGES = {"en": (_ENGLISH, _ENGLISH_STATES), "zh": (_CHINESE, _CHINESE_STATES)}
"""For each language its words, and its words for the states of images."""
