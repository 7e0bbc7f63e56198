import { init, type EChartsCoreOption } from 'echarts';

/** Without double quotes, which end the attribute that it is written to. */
const FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif";

/** Renders a chart to the text of an SVG, on white. */
export function renderSvg(option: EChartsCoreOption, width: number, height: number): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      textStyle: { fontFamily: FONT },
      ...option,
    });
    return withStableNames(chart.renderToSVGString());
  } finally {
    chart.dispose();
  }
}

/** ECharts numbers styles and clips across all charts of a process. Renumbered, the same chart has the same text. */
function withStableNames(svg: string): string {
  const names = new Map<string, string>();
  return svg.replace(/\bzr\d+-[\w-]+/g, (name) => {
    if (!names.has(name)) names.set(name, `c${names.size}`);
    return names.get(name)!;
  });
}
