// What every page has, for bundles: other pages load these by themselves.
import "./toasts.js";
import "./copy.js";
import "./forms.js";
import "./dialog.js";
import "./focus.js";
