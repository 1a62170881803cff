"""The manifests under packaging/kubernetes: what Kubernetes' own schemas say of them, and that they speak of what hone serves."""
import os
import re
import shlex

from serving import EMBED, ROOT, Server, Case, import_with, main

FOLDER = os.path.join(ROOT, "packaging", "kubernetes")
VERSIONS = ["1.27", "1.33"]


class TestKubernetes(Case):
    @classmethod
    def setUpClass(cls):
        import_with("kubernetes-validate")
        import kubernetes_validate
        import yaml
        cls.validator = kubernetes_validate
        cls.things = {}
        for name in sorted(os.listdir(FOLDER)):
            with open(os.path.join(FOLDER, name)) as f:
                cls.things.update({thing["kind"]: thing for thing in yaml.safe_load_all(f)})
        cls.pod = cls.things["Deployment"]["spec"]["template"]
        cls.container = cls.pod["spec"]["containers"][0]
        cls.conf = cls.things["ConfigMap"]["data"]["hone.conf"]

    def test_schemas(self):
        self.assertEqual(len(self.things), 5)
        for thing in self.things.values():
            for version in VERSIONS:
                self.validator.validate(thing, version, strict=True)
        broken = {**self.things["Service"], "spec": {**self.things["Service"]["spec"], "prots": []}}
        with self.assertRaises(self.validator.ValidationError):
            self.validator.validate(broken, VERSIONS[0], strict=True)

    def test_names_fit(self):
        labels = self.pod["metadata"]["labels"]
        for kind in ("Deployment", "PodDisruptionBudget"):
            self.assertEqual(self.things[kind]["spec"]["selector"]["matchLabels"], labels)
        self.assertEqual(self.things["Service"]["spec"]["selector"], labels)
        target = self.things["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
        self.assertEqual((target["kind"], target["name"]), ("Deployment", self.things["Deployment"]["metadata"]["name"]))
        mounted = {mount["name"] for mount in self.container["volumeMounts"]}
        self.assertEqual(mounted, {volume["name"] for volume in self.pod["spec"]["volumes"]})

    def test_it_can_end_in_time(self):
        seconds = [int(re.search(rf"(?m)^{name} = (\d+)$", self.conf)[1]) for name in ("lame-duck", "drain-timeout")]
        self.assertGreater(self.pod["spec"]["terminationGracePeriodSeconds"], sum(seconds))
        probe = self.container["readinessProbe"]
        self.assertGreater(seconds[0], probe["periodSeconds"] * probe["failureThreshold"] + probe.get("timeoutSeconds", 1))

    def test_the_server_takes_it(self):
        """The container's arguments and settings, with this machine's files; its probes and its figure."""
        conf = self.conf.replace("/models/embed.gguf", EMBED).replace("/etc/hone/keys/keys", self.file("keys", "a-key\n"))
        arguments = [self.file("hone.conf", conf) if a == "/etc/hone/hone.conf" else a for a in self.container["args"]]
        with open(os.path.join(ROOT, "packaging", "Containerfile")) as f:
            containerfile = f.read()
        self.assertIn(f"EXPOSE {self.container['ports'][0]['containerPort']}\n", containerfile)
        self.assertIn(f"--uid {self.pod['spec']['securityContext']['runAsUser']} ", containerfile)
        self.assertIn(shlex.quote("/var/cache/hone"), containerfile)
        server = Server(*arguments, log_path=self.path("log"))
        try:
            for name in ("startupProbe", "readinessProbe", "livenessProbe"):
                self.assertEqual(server.get(self.container[name]["httpGet"]["path"]).status, 200)
            key = {"Authorization": "Bearer a-key"}
            metric = self.things["HorizontalPodAutoscaler"]["spec"]["metrics"][0]["pods"]["metric"]["name"]
            path = self.pod["metadata"]["annotations"]["prometheus.io/path"]
            self.assertRegex(server.get(path, headers=key).body.decode(), rf"(?m)^{metric}{{")
        finally:
            server.process.kill()
            server.stop()


main()
