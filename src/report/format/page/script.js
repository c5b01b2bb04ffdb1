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
inBits(all('#coverage tbody tr'), 10);
inBits(all('#denials tbody tr'), 10);
inBits(all('#exempt li'), 10);
const items = all('#findings > li');
const only = inBits(items, 100);

const form = document.querySelector('form');
if (form) {
  const text = document.getElementById('filter');
  const choices = Array.from(form.querySelectorAll('select'));
  const words = items.map((item) => item.querySelector('.about').textContent.toLowerCase());
  const apply = () => {
    const wanted = text.value.trim().toLowerCase();
    const chosen = choices.filter((choice) => choice.value !== '');
    const count = only((item, at) => words[at].includes(wanted)
      ? chosen.every((choice) => item.dataset[choice.name] === choice.value) : false);
    const found = count + ' of ' + items.length;
    document.getElementById('shown').textContent = count === 0 ? 'None fits.' : found + ' findings';
  };
  form.addEventListener('input', apply);
  form.addEventListener('change', apply);
  form.addEventListener('submit', (event) => event.preventDefault());
  // A browser may have kept what was typed before the page was loaded anew.
  apply();
}

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
