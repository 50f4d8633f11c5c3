// Posts batches for ever, and prints the client ids of each batch once it is applied.
const [engineFile, file, channelId] = process.argv.slice(2)
const { openSqliteEngine } = await import(engineFile)
const engine = openSqliteEngine({ file, durability: 'full' })

for (let batch = 0; ; batch += 1) {
  const clientIds = Array.from({ length: 20 }, (_, index) => `${process.pid}-${batch}-${index}`)
  const commands = clientIds.map((clientMessageId) => {
    const body = { text: clientMessageId, source: 'child' }
    const message = { id: clientMessageId, channelId, authorId: 'child', clientMessageId, body }
    return { type: 'post', id: clientMessageId, message }
  })
  engine.apply(commands)
  process.stdout.write(`${clientIds.join(' ')}\n`)
}
