"""Addresses for webhooks that lead into the operator's own network, in every spelling."""

from intrude.scene import Scene

KIND = "webhooks that lead inward"
AT_ONCE = 18  # fewer than one account may save in a minute
SPELLINGS = [
    *(
        "https://127.0.0.1/",
        "https://127.1/",
        "https://127.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
    ),
    *("https://0x7f.1/", "https://0177.0.0.1/", "https://017700000001/", "https://0/", "https://0.0.0.0/"),
    *("https://127.0.0.1.:443/", "https://127.255.255.254/", "https://localhost/", "https://LOCALHOST/"),
    *("https://localhost./", "https://x.localhost/", "https://x.localhost./", "https://ｌｏｃａｌｈｏｓｔ/"),
    *(
        "https://127。0。0。1/",
        "https://①②⑦.0.0.1/",
        "https://[::1]/",
        "https://[::]/",
        "https://[0:0:0:0:0:0:0:1]/",
    ),
    *("https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::127.0.0.1]/"),
    *("https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[fe80::1]/", "https://[fc00::1]/"),
    *("https://[fd00:ec2::254]/", "https://169.254.169.254/latest/meta-data/", "https://2852039166/"),
    *("https://0xa9fea9fe/", "https://[::ffff:a9fe:a9fe]/", "https://metadata.google.internal/"),
    *(
        "https://metadata.google.internal./",
        "https://10.1.2.3/",
        "https://172.16.0.1/",
        "https://192.168.0.1/",
    ),
    *("https://100.64.0.1/", "https://224.0.0.1/", "https://255.255.255.255/", "https://user:pw@127.0.0.1/"),
    *(
        "https://example.com@127.0.0.1/",
        "https://127.0.0.1#@example.com/",
        "https://127.0.0.1\\@example.com/",
    ),
    *("http://example.com/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO", "ftp://127.0.0.1/"),
    *("//127.0.0.1/", "javascript:alert(1)", "https://example.com/\r\nHost: inside", "https://"),
]


def walk(scene: Scene) -> None:
    if scene.is_debug:
        scene.report.note(
            "Webhooks to private addresses: the install runs with DEBUG, where they are allowed."
        )
        return
    for start in range(0, len(SPELLINGS), AT_ONCE):
        clerk = scene.people.founder(f"clerk{start}")
        for address in SPELLINGS[start : start + AT_ONCE]:
            answer = clerk.post("/settings/notifications/webhook", {"url": address})
            scene.report.expect(
                KIND,
                answer.status_code in (400, 429),
                f"The webhook address {address!r} was answered {answer.status_code}, not refused.",
                answer.status_code,
            )
        kept = clerk.post("/settings/notifications/webhook/test")
        scene.report.expect(
            KIND, kept.status_code in (409, 429), f"{clerk.email} has a webhook that leads inward."
        )
