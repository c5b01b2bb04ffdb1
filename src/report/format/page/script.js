'use strict';

// Shows a long list bit by bit. What `fits` says no to is not shown at all.
function inBits(rows, step) {
  const more = document.createElement('button');
  more.type = 'button';
  more.className = 'more';
  let fits = () => true;
  let limit = step;
  function show() {
    let count = 0;
    rows.forEach((row, at) => {
      const wanted = fits(row, at);
      if (wanted) { count += 1; }
      row.hidden = wanted ? count > limit : true;
    });
    const left = count - limit;
    more.hidden = 1 > left;
    more.textContent = 'Show ' + Math.min(step, left) + ' more of ' + left;
    return count;
  }
  more.addEventListener('click', () => {
    const before = rows.filter((row) => !row.hidden).length;
    limit += step;
    show();
    // Where the keyboard goes on, also when the button is gone.
    const next = rows.filter((row) => !row.hidden)[before];
    next.tabIndex = -1;
    next.focus();
  });
  if (rows.length > 0) { rows[0].closest('ol, ul, table').after(more); }
  show();
  return (filter) => { fits = filter; limit = step; return show(); };
}

const all = (selector) => Array.from(document.querySelectorAll(selector));
const form = () => document.querySelector('form');

// Makes what is in the page now foldable and filterable.
function begin() {
  inBits(all('#coverage tbody tr'), 10);
  inBits(all('#denials tbody tr'), 10);
  inBits(all('#exempt li'), 10);
  const items = all('#findings > li');
  const only = inBits(items, 100);
  if (!form()) { return; }
  const text = document.getElementById('filter');
  const choices = Array.from(form().querySelectorAll('select'));
  const words = items.map((item) => item.querySelector('.about').textContent.toLowerCase());
  const apply = () => {
    const wanted = text.value.trim().toLowerCase();
    const chosen = choices.filter((choice) => choice.value !== '');
    const count = only((item, at) => words[at].includes(wanted)
      ? chosen.every((choice) => item.dataset[choice.name] === choice.value) : false);
    const found = count + ' of ' + items.length;
    document.getElementById('shown').textContent = count === 0 ? 'None fits.' : found + ' findings';
  };
  form().addEventListener('input', apply);
  form().addEventListener('change', apply);
  form().addEventListener('submit', (event) => event.preventDefault());
  // A browser may have kept what was typed before the page was loaded anew.
  apply();
}
begin();

document.addEventListener('click', async (event) => {
  const button = event.target.closest('button.copy');
  if (!button) { return; }
  const fix = button.parentElement.querySelector('pre');
  let done = true;
  try {
    await navigator.clipboard.writeText(fix.textContent);
  } catch (error) {
    // A page from a file may have no clipboard of its own; what is selected can be copied all the same.
    const details = fix.closest('details');
    if (details) { details.open = true; }
    getSelection().selectAllChildren(fix);
    done = document.execCommand('copy');
  }
  const before = button.dataset.name || button.textContent;
  button.dataset.name = before;
  button.textContent = done ? 'Copied' : 'Press Ctrl+C';
  document.getElementById('said').textContent = done ? 'Copied' : 'Selected. Press Ctrl+C to copy.';
  setTimeout(() => { button.textContent = before; }, 3000);
});

// Served by a controller, the page follows it, and keeps what its reader has set, opened and focused.
const live = document.getElementById('live');
const set = new Map();
function keep() {
  if (form()) { Array.from(form().elements).forEach((field) => set.set(field.name, field.value)); }
  const open = new Set(all('details[open] pre').map((fix) => fix.textContent));
  const focused = document.activeElement.name;
  const at = document.activeElement.selectionStart;
  return () => {
    all('details').forEach((fix) => { fix.open = open.has(fix.querySelector('pre').textContent); });
    if (!form()) { return; }
    Array.from(form().elements).forEach((field) => { field.value = set.get(field.name) || ''; });
    const again = focused ? form().elements.namedItem(focused) : null;
    if (!again) { return; }
    again.focus();
    if (Number.isInteger(at)) { again.setSelectionRange(at, at); }
  };
}
function replace(page) {
  const restore = keep();
  document.title = page.title;
  page.querySelector('#live').replaceWith(live);
  for (const part of ['header', 'main']) {
    document.querySelector(part).replaceWith(page.querySelector(part));
  }
  restore();
  begin();
}
let last = '';
async function follow() {
  try {
    const answer = await fetch('/');
    if (!answer.ok) { throw new Error(answer.statusText); }
    const source = await answer.text();
    if (source !== last) { replace(new DOMParser().parseFromString(source, 'text/html')); }
    last = source;
    live.textContent = 'As it is now';
  } catch (error) {
    live.textContent = 'As it was when the controller answered last';
  }
}
if (live) {
  follow();
  setInterval(follow, 2000);
}
