"""Charts and shaded tables as plain data, which `static/charts.js` and the templates draw."""
