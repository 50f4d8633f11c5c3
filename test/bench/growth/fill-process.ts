import { fillLog } from './fill.ts'

/**
 * A process of its own, because filling blocks for a minute; it ends when the file is complete.
 *
 * Usage: node fill-process.js <file> <channels> <rows>
 */
const [file = '', channelCount, rowCount] = process.argv.slice(2)
fillLog({ file, channelCount: Number(channelCount), rowCount: Number(rowCount) })
