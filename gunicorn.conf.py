"""Read by gunicorn wherever it is started from here."""

# A visitor's SCRIPT_NAME would move every address of the site, and so the links in mails. gunicorn trusts whoever is on
# this machine, which every visitor seems to be behind a web server. The scheme, settings.py takes from where it may.
forwarded_allow_ips = ""
forwarder_headers = ""
