import "./models.js";
import "./run.js";
import "./socket.js";
import "./view.js";
