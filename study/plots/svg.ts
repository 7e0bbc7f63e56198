import { init, type EChartsCoreOption } from 'echarts';

const FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif";

/** A chart as the text of an SVG, on white. */
export function svgOf(option: EChartsCoreOption, width: number, height: number): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      textStyle: { fontFamily: FONT },
      ...option,
    });
    return withoutCounters(chart.renderToSVGString());
  } finally {
    chart.dispose();
  }
}

/** ECharts numbers its styles and clips through all charts of a process: the same chart is to be the same text. */
function withoutCounters(svg: string): string {
  const names = new Map<string, string>();
  return svg.replace(/\bzr\d+-[\w-]+/g, (name) => {
    if (!names.has(name)) names.set(name, `c${names.size}`);
    return names.get(name)!;
  });
}
