vcl 4.1;
# Varnish 7 with the xkey module (Debian: varnish, varnish-modules), before nodes or before HAProxy. Start it with
# `-p http_gzip_support=off`: Doorbuster compresses better, and once.

import directors;
import std;
import xkey;

probe ready {
    .request = "GET /readyz HTTP/1.1" "Host: readyz" "Connection: close";
    .interval = 500ms;
    .timeout = 400ms;
    .window = 3;
    .threshold = 2;
    .initial = 2;
}

backend node1 { .host = "10.0.1.11"; .port = "8080"; .probe = ready; .connect_timeout = 1s; .first_byte_timeout = 30s; }
backend node2 { .host = "10.0.1.12"; .port = "8080"; .probe = ready; .connect_timeout = 1s; .first_byte_timeout = 30s; }
backend node3 { .host = "10.0.1.13"; .port = "8080"; .probe = ready; .connect_timeout = 1s; .first_byte_timeout = 30s; }

# Who may drop what is kept: the nodes.
acl purgers {
    "localhost";
    "10.0.1.0"/24;
}

sub vcl_init {
    # Consistent hashing: a product is asked of one node, whose memory has it.
    new nodes = directors.shard();
    nodes.add_backend(node1);
    nodes.add_backend(node2);
    nodes.add_backend(node3);
    nodes.reconfigure();
}

sub vcl_recv {
    # Browsers' addresses are appended by Varnish itself to X-Forwarded-For, before this is run.
    unset req.http.Purged;
    if (req.method == "PURGE") {
        if (client.ip !~ purgers) {
            return (synth(403, "Forbidden"));
        }
        if (!req.http.Surrogate-Key) {
            return (synth(400, "Name what to drop in Surrogate-Key"));
        }
        # Hard by default: nobody gets it once more. Soft lets the next reader have the old one while it is fetched.
        if (req.http.Soft-Purge) {
            set req.http.Purged = xkey.softpurge(req.http.Surrogate-Key);
        } else {
            set req.http.Purged = xkey.purge(req.http.Surrogate-Key);
        }
        return (synth(200, "Purged"));
    }
    # A webhook of Doorbuster is as good as a purge: its id is msg_<product>_<version> (Standard Webhooks), so nothing has to
    # be read out of its body. `webhooks.urls = ["http://VARNISH/purge-webhook"]`, and `webhooks.allow_private = true`.
    if (req.url == "/purge-webhook") {
        if (client.ip !~ purgers || req.method != "POST") {
            return (synth(403, "Forbidden"));
        }
        # Of exact stock, which is never kept for long.
        if (req.http.Webhook-Id ~ "^msg_[0-9]+_stock_[0-9]+$") {
            return (synth(200, "Nothing to drop"));
        }
        if (req.http.Webhook-Id !~ "^msg_[0-9]+_[0-9]+$") {
            return (synth(400, "No message about a product"));
        }
        set req.http.Purged = xkey.purge("product-" + regsub(req.http.Webhook-Id, "^msg_([0-9]+)_.*$", "\1"));
        return (synth(200, "Purged"));
    }
    if (req.url == "/balancer-health") {
        if (std.healthy(nodes.backend())) {
            return (synth(200));
        }
        return (synth(503));
    }
    # Cookies are of the shop in front, and change no answer here.
    unset req.http.Cookie;
    # One spelling of each coding, so that what is kept is found again.
    if (req.http.Accept-Encoding ~ "\bbr\b") {
        set req.http.Accept-Encoding = "br";
    } elsif (req.http.Accept-Encoding ~ "\bzstd\b") {
        set req.http.Accept-Encoding = "zstd";
    } elsif (req.http.Accept-Encoding ~ "\bgzip\b") {
        set req.http.Accept-Encoding = "gzip";
    } else {
        unset req.http.Accept-Encoding;
    }
    set req.backend_hint = nodes.backend(by=URL);
}

sub vcl_backend_fetch {
    set bereq.backend = nodes.backend(by=URL);
}

sub vcl_backend_response {
    # RFC 9213: what is said to CDNs goes before Cache-Control, which is for browsers.
    if (beresp.http.CDN-Cache-Control ~ "max-age=[0-9]+") {
        set beresp.http.Fresh = regsub(beresp.http.CDN-Cache-Control, "^.*max-age=([0-9]+).*$", "\1s");
        set beresp.ttl = std.duration(beresp.http.Fresh, 0s) - std.duration(beresp.http.Age + "s", 0s);
        if (beresp.ttl < 0s) {
            set beresp.ttl = 0s;
        }
        unset beresp.http.Fresh;
        set beresp.grace = 0s;
        set beresp.keep = 0s;
        if (beresp.http.CDN-Cache-Control ~ "stale-while-revalidate=[0-9]+") {
            set beresp.http.Stale = regsub(beresp.http.CDN-Cache-Control, "^.*stale-while-revalidate=([0-9]+).*$", "\1s");
            set beresp.grace = std.duration(beresp.http.Stale, 0s);
            unset beresp.http.Stale;
        }
        # Kept to be asked about by its ETag.
        set beresp.keep = 10m;
        # A body that is being compressed for the first time comes as it is, and is wanted compressed soon.
        if (bereq.http.Accept-Encoding && !beresp.http.Content-Encoding && std.integer(beresp.http.Content-Length, 0) > 1024) {
            set beresp.ttl = 1s;
            set beresp.grace = 0s;
            set beresp.keep = 0s;
        }
        # By these it is found when it has to go.
        if (beresp.http.Surrogate-Key) {
            set beresp.http.xkey = beresp.http.Surrogate-Key;
        }
        return (deliver);
    }
    if (beresp.http.Cache-Control ~ "s-maxage=[0-9]+") {
        # Pages: s-maxage and stale-while-revalidate as Varnish reads them by itself, and no minutes of grace.
        if (beresp.http.Cache-Control !~ "stale-while-revalidate") {
            set beresp.grace = 0s;
        }
        return (deliver);
    }
}

sub vcl_backend_error {
    # stale-if-error: what is within its grace has been answered before this is reached.
    set beresp.http.Retry-After = "1";
    set beresp.http.Cache-Control = "no-store";
}

sub vcl_deliver {
    # RFC 9211: behind what the node said when it was asked.
    if (obj.hits > 0) {
        set resp.http.Cache-Status = regsub(resp.http.Cache-Status, "(.)$", "\1, ") + "varnish; hit; ttl=" + regsub(obj.ttl, "\..*$", "");
    } else {
        set resp.http.Cache-Status = regsub(resp.http.Cache-Status, "(.)$", "\1, ") + "varnish; fwd=miss";
    }
    unset resp.http.xkey;
    unset resp.http.Surrogate-Key;
    unset resp.http.CDN-Cache-Control;
    unset resp.http.Via;
    unset resp.http.X-Varnish;
    # Browsers ask each time, and count from now.
    if (resp.http.Cache-Control ~ "no-cache") {
        unset resp.http.Age;
    }
}

sub vcl_synth {
    if (req.http.Purged) {
        set resp.http.Purged = req.http.Purged;
    }
}
