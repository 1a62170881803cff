"""The charts of measurements, drawn by matplotlib in the colours that cli/chart/svg.h has, too."""
INK, MUTED, GRID, OURS, OTHERS = "#1f2430", "#6b7280", "#e3e7ee", "#d9480f", "#a8b3c2"


def start(*shape, **how):
    """What matplotlib.pyplot.subplots gives."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    plt.rcParams.update({"font.family": "sans-serif", "font.size": 10, "svg.fonttype": "none", "text.color": INK,
                         "svg.hashsalt": "hone"})
    return plt.subplots(*shape, layout="constrained", **how)


def finish(figure, path):
    """The same picture always is the same file."""
    import matplotlib.pyplot as plt
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


# ---- bars ----


def draw_bars(path, panels, footer):
    """What several engines do, one panel above the other.

    panels: [(title, [(engine, number, what stands behind its bar)])]; footer: lines below them all."""
    heights = [len(rows) for _, rows in panels]
    figure, axes = start(len(panels), 1, squeeze=False,
                         figsize=(8.2, 0.9 + 0.2 * footer.count("\n") + 0.34 * sum(heights) + 0.6 * len(panels)),
                         gridspec_kw={"height_ratios": heights})
    for axis, (title, rows) in zip(axes[:, 0], panels):
        bars(axis, title, sorted(rows, key=lambda row: row[1]))
    figure.supxlabel(footer, fontsize=8, color=MUTED)
    finish(figure, path)


def bars(axis, title, rows):
    names, speeds = [row[0] for row in rows], [row[1] for row in rows]
    axis.barh(names, speeds, height=0.7, color=[OURS if name.startswith("hone") else OTHERS for name in names])
    for at, (_, speed, label) in enumerate(rows):
        axis.text(speed, at, " " + label, va="center", fontsize=8.5)
    axis.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axis.set_xlim(0, max(speeds) * 1.5)
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.spines["left"].set_color(OTHERS)
    axis.tick_params(length=0, labelsize=9)
    axis.set_xticks([])
    for label in axis.get_yticklabels():
        label.set_fontweight("bold" if label.get_text().startswith("hone") else "normal")
